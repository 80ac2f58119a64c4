import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { piece } from './pieces.ts'

/**
 * Makes an ISO that boots the lab's guest with these kernel arguments: on BIOS by ISOLINUX, on UEFI (x86-64) by the EFI shell
 * and the kernel's own EFI stub. Two El Torito boot images, as on the ISOs of distributions (UEFI 2.10, 13.3.2).
 */
export async function makeIso(workDir: string, initrd: Buffer, args: string[]): Promise<Buffer> {
  const root = join(workDir, 'iso')
  await mkdir(join(root, 'isolinux'), { recursive: true })
  await copyFile(piece('x86_64/vmlinuz'), join(root, 'vmlinuz'))
  await writeFile(join(root, 'initrd'), initrd)
  for (const name of ['isolinux.bin', 'ldlinux.c32'])
    await copyFile(piece(`isolinux/${name}`), join(root, 'isolinux', name))
  await writeFile(join(root, 'isolinux/isolinux.cfg'), isolinuxConfig(args))
  await makeEfiImage(root, args)
  const file = join(workDir, 'lab.iso')
  run('xorriso', [
    ...['-as', 'mkisofs', '-quiet', '-o', file, '-J', '-R', '-c', 'boot.cat'],
    ...['-b', 'isolinux/isolinux.bin', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table'],
    ...['-eltorito-alt-boot', '-e', 'efi.img', '-no-emul-boot', root],
  ])
  await rm(root, { recursive: true })
  return readFile(file)
}

function isolinuxConfig(args: string[]): string {
  const lines = [
    'serial 0 115200',
    'default lab',
    'label lab',
    'kernel /vmlinuz',
    'initrd /initrd',
    `append ${args.join(' ')}`,
  ]
  return `${lines.join('\n')}\n`
}

async function makeEfiImage(root: string, args: string[]): Promise<void> {
  const image = join(root, 'efi.img')
  const sizeMb = 24
  await writeFile(image, Buffer.alloc(sizeMb * 2 ** 20))
  run('mformat', ['-i', image, '-T', String(sizeMb * 2048), '-h', '64', '-s', '32'])
  run('mmd', ['-i', image, '::/EFI', '::/EFI/BOOT'])
  run('mcopy', ['-i', image, piece('efi-shell/shellx64.efi'), '::/EFI/BOOT/BOOTX64.EFI'])
  for (const name of ['vmlinuz', 'initrd']) run('mcopy', ['-i', image, join(root, name), `::/${name}`])
  const script = join(root, 'startup.nsh')
  // The shell runs this file from its own start folder (UEFI Shell 2.2, 3.2.1).
  await writeFile(script, `@echo -off\r\n\\vmlinuz initrd=\\initrd ${args.join(' ')}\r\n`)
  run('mcopy', ['-i', image, script, '::/EFI/BOOT/startup.nsh'])
  await rm(script)
}

function run(program: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.trim()}`)
}
