// VMware ESXi.
import type { Layout } from '../layouts.ts'
import { answered, archOf, bootif, fileAt, nameFrom, oneLine, type Source } from './source.ts'

/**
 * VMware ESXi: mboot.efi is the UEFI program of the disc. It loads the kernel and the modules that boot.cfg names, from the `prefix`
 * there (VMware ESXi Installation and Setup, Network Booting; esx-boot's mboot). Names in boot.cfg are lower case. Names on the
 * disc may be upper case.
 */
export async function findEsxi(source: Source): Promise<Layout | undefined> {
  const config = source.find('boot.cfg')
  const text = config === undefined ? '' : await source.text(config)
  const programs = ['EFI/BOOT/BOOTX64.EFI', 'EFI/BOOT/BOOTAA64.EFI'].map((path) => source.find(path))
  const program = programs.find((path) => path !== undefined)
  const kernel = /^kernel=(.*)$/m.exec(text)?.[1]?.trim()
  const modules = /^modules=(.*)$/m
    .exec(text)?.[1]
    ?.split(' --- ')
    .map((line) => line.trim().split(/\s/)[0] ?? '')
  if (config === undefined || program === undefined || kernel === undefined || modules === undefined) return undefined
  const names = [...new Set([kernel, ...modules])].map((name) => name.replace(/^\/+/, '')).filter(Boolean)
  const missing = names.filter((name) => source.find(name) === undefined)
  if (names.length === 0 || missing.length > 0) return undefined
  const title = oneLine(/^title=(?:Loading )?(.*)$/m.exec(text)?.[1] ?? '').replace(/ installer$/, '') || 'VMware ESXi'
  const build = /^build=(\d+(?:\.\d+)*)/m.exec(text)?.[1]
  const beside = program.slice(0, program.lastIndexOf('/') + 1)
  const crypto = source.find(`${beside}crypto64.efi`)
  return {
    family: 'esxi',
    title: build === undefined || title.includes(build) ? title : `${title} ${build}`,
    suggestedName: nameFrom(build === undefined ? 'esxi' : `esxi-${build}`),
    installer: true,
    variants: [
      {
        arch: archOf(source),
        platform: 'efi',
        kind: 'efi',
        file: fileAt(program, 'mboot.efi'),
        args: [answered('ks={{ boot.answer_url }}'), bootif],
        tree: [
          { path: program, treePath: 'mboot.efi' },
          ...(crypto === undefined ? [] : [{ path: crypto, treePath: 'crypto64.efi' }]),
          { path: config, treePath: 'boot.cfg' },
          ...names.map((name) => ({ path: source.find(name) ?? name, treePath: name })),
        ],
        bootConfig: 'boot.cfg',
      },
    ],
    notes: ['ESXi boots only on UEFI. Arguments go into kernelopt of boot.cfg, which is filled in for each machine.'],
  }
}
