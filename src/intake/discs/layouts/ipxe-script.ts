// iPXE scripts as images.
import { argFault } from '../../../render/args.ts'
import type { Layout, LayoutVariant } from '../layouts.ts'
import { archIn, archOf, fileAt, nameFrom, type Source } from './source.ts'

const fetching = /^\s*(kernel|initrd|module|chain|imgfetch|imgload|sanboot)\s+(.*)$/
const withValue = new Set(['--name', '-n', '--timeout', '-t', '--drive', '-d', '--filename', '-f'])

type Line = { command: string; target: string; args: string[] }

/** The lines of an iPXE script that fetch something. */
function linesOf(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    const [, command = '', words = ''] = fetching.exec(line.replace(/\s(?:\|\||&&).*$/, '')) ?? []
    const parts = words.split(/\s+/).filter(Boolean)
    while (parts[0]?.startsWith('-')) parts.splice(0, withValue.has(parts[0]) ? 2 : 1)
    const [target, ...args] = parts
    return command === '' || target === undefined ? [] : [{ command, target, args }]
  })
}

/**
 * The names without a server that an iPXE script fetches. iPXE looks for them beside the script, where no other file is. Names that
 * the script assigns with --name do not count.
 */
export function relativeNames(text: string): string[] {
  const given = new Set([...text.matchAll(/\s(?:--name|-n)\s+(\S+)/g)].map(([, name]) => name))
  const targets = linesOf(text).map(({ target }) => target)
  return [
    ...new Set(targets.filter((target) => !/^([a-z][a-z0-9+.-]*:|\$\{)/i.test(target) && !given.has(target))),
  ].slice(0, 20)
}

/** The warning for such names, with what to do. */
export function relativeWarning(names: string[]): string {
  return (
    `The script fetches ${names.join(', ')} without naming a server, but this server has only the script there. Write whole URLs, or ` +
    'import the folder that has these files.'
  )
}

/**
 * A folder with an iPXE script that starts a kernel and initrds beside it: NixOS's netboot (bzImage, initrd, netboot.ipxe; nixos/modules/
 * installer/netboot/netboot.nix), and others of this form.
 */
export async function findIpxeScript(source: Source): Promise<Layout | undefined> {
  for (const [script, folder = ''] of source.match(/^(.*\/)?[^/]+\.ipxe$/)) {
    const text = await source.text(script)
    if (!/^#!(gpxe|ipxe)/.test(text)) continue
    const here = (target: string) => source.find(`${folder}${target.slice(target.lastIndexOf('/') + 1)}`)
    const lines = linesOf(text)
    const first = lines.find(({ command }) => command === 'kernel')
    const kernel = first && here(first.target)
    const initrds = lines.flatMap(({ command, target }) => (command === 'initrd' ? [here(target)] : []))
    if (first === undefined || kernel === undefined || initrds.length === 0 || initrds.includes(undefined)) continue
    const given = first.args.filter((arg) => !arg.startsWith('initrd=') && !arg.includes('${'))
    const nixos = given.some((arg) => arg.startsWith('init=/nix/store/'))
    const variant: LayoutVariant = {
      arch: archIn(kernel) ?? archIn(script) ?? archOf(source),
      kind: 'linux',
      kernel: fileAt(kernel),
      initrds: (initrds as string[]).map((path) => fileAt(path)),
      args: given.filter((arg) => argFault(arg) === undefined),
      tree: [],
    }
    const name = fileAt(script).name.replace(/\.ipxe$/, '')
    return {
      family: nixos ? 'nixos' : 'ipxe-script',
      title: nixos ? 'NixOS (netboot)' : `Linux by ${fileAt(script).name}`,
      suggestedName: nixos ? 'nixos-netboot' : nameFrom(name),
      variants: [variant],
      notes: nixos ? ['The initrd has the whole system: it runs from memory.'] : [],
    }
  }
  return undefined
}
