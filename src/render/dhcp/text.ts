// Comments for configurations: wrapped, and the same explanation in each language. Pure.
import type { DhcpSite } from './site.ts'

const columns = 100

/** A text as comment lines: wrapped between words, each line with the prefix. */
export function comment(text: string, prefix = '# '): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const line = lines.at(-1)
    if (line === undefined || prefix.length + line.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines.map((line) => `${prefix}${line}`)
}

/** The first lines of a configuration: its use, how a machine boots, and the notes for this site. */
export function headerLines(server: string, use: string, { notes, leftOut }: DhcpSite, prefix = '# '): string[] {
  return [
    ...comment(`Bootwright: network boot. Printed by: bootwright dhcp-config ${server}`, prefix),
    ...comment(use, prefix),
    ...comment(
      'A machine uses DHCP twice. Its firmware gets a boot program, which is iPXE, chosen by option 93 (the kind of firmware). iPXE then gets the URL of the bootstrap.',
      prefix,
    ),
    ...notes.flatMap((note) => comment(`NOTE: ${note}`, prefix)),
    ...(leftOut.length > 0
      ? comment(`Left out, for lack of a boot program: ${leftOut.map(({ words }) => words).join('; ')}.`, prefix)
      : []),
  ]
}

/** Why iPXE has a rule of its own. */
export const whyIpxe =
  'iPXE sends option 175, and iPXE in option 77. Without this rule, iPXE gets the boot program again and loads itself forever.'

/** Why option 60 is in the answer to HTTP Boot. */
export const whyHttpClient =
  'UEFI HTTP Boot ignores an answer without option 60 HTTPClient. No other client may get this option: PXE firmware then asks port 4011 of the DHCP server and fails with PXE-E55.'

/** Lines joined to a file; an empty string is an empty line. */
export function fileOf(...parts: string[][]): string {
  const lines = parts.filter((part) => part.length > 0).map((part) => part.join('\n'))
  return `${lines.join('\n\n')}\n`
}
