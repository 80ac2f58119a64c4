// A configuration for Kea's kea-dhcp4: option definitions and client classes.
import { type DhcpSite, type FirmwareEntry, ownFilesFor } from './site.ts'
import { comment, headerLines, whyHttpClient, whyIpxe } from './text.ts'

const slashes = '// '
const isIpxe = "option[175].exists or substring(option[77].hex, 0, 4) == 'iPXE'"

export function renderKea(site: DhcpSite): string {
  const { bootUrl, entries } = site
  const firstHttp = entries.find(({ kind }) => kind.transport === 'http')
  const lines = [
    ...headerLines(
      'kea',
      'Save this text as /etc/kea/bootwright.json. Put this into the Dhcp4 block of kea-dhcp4.conf: <?include "/etc/kea/bootwright.json"?> with a comma after it, if other entries follow. If the block has client-classes of its own, put the classes of this text into that list.',
      site,
      slashes,
    ),
    ...comment(
      'A boot-file-name of a host reservation wins over these classes, also for iPXE, which then loads itself forever (xcat-core#7743). Remove it there.',
      slashes,
    ),
    '',
    '"client-classes": [',
    ...listOf([
      [
        ...comment(whyIpxe, slashes),
        ...classOf('bootwright-ipxe', isIpxe, [
          `"boot-file-name": ${JSON.stringify(bootUrl)}`,
          optionData(fileOption(bootUrl)),
        ]),
      ],
      ...site.own.map(({ nbp, macs }) => [
        ...comment('Machines with a boot program of their own, by MAC address, as of the time of printing.', slashes),
        ...classOf(ownName(nbp), macs.map((mac) => `pkt4.mac == 0x${mac.replaceAll(':', '')}`).join(' or '), []),
      ]),
      ...site.entries.flatMap((entry) => entryClasses(site, entry, entry === firstHttp)),
    ]),
    ']',
  ]
  return `${lines.join('\n')}\n`
}

/** The classes of an entry. Exactly one of them holds for a machine, so their order does not matter. */
function entryClasses({ address, own }: DhcpSite, entry: FirmwareEntry, explains: boolean): string[][] {
  const { kind } = entry
  const isHttp = kind.transport === 'http'
  const hex = kind.code.toString(16).padStart(4, '0')
  const base = [
    `substring(option[93].hex, 0, 2) == 0x${hex}`,
    ...(isHttp ? ["substring(option[60].hex, 0, 10) == 'HTTPClient'"] : []),
    "not member('bootwright-ipxe')",
  ]
  const special = ownFilesFor(kind, own)
  const cases = [
    {
      name: `bootwright-${kind.code}`,
      file: entry.file,
      more: special.map(({ nbp }) => `not member('${ownName(nbp)}')`),
    },
    ...special.map(({ nbp, file }) => ({
      name: `bootwright-${kind.code}-${nbp}`,
      file,
      more: [`member('${ownName(nbp)}')`],
    })),
  ]
  return cases.map(({ name, file, more }, index) => [
    ...comment(kind.words, slashes),
    ...(explains && index === 0 ? comment(whyHttpClient, slashes) : []),
    ...classOf(name, [...base, ...more].join(' and '), [
      ...(isHttp ? [] : [`"next-server": "${address}"`]),
      `"boot-file-name": ${JSON.stringify(file)}`,
      isHttp
        ? optionData(
            fileOption(file),
            '{ "name": "vendor-class-identifier", "data": "HTTPClient", "always-send": true }',
          )
        : optionData(`{ "name": "tftp-server-name", "data": "${address}" }`, fileOption(file)),
    ]),
  ])
}

function classOf(name: string, test: string, fields: string[]): string[] {
  const all = [`"name": ${JSON.stringify(name)}`, `"test": ${JSON.stringify(test)}`, ...fields]
  return ['{', ...all.map((field, index) => `  ${field}${index < all.length - 1 ? ',' : ''}`), '}']
}

// The header's file name and option 67: EDK2 prefers the option (PxeBcDhcp4.c), iPXE the header (dhcppkt.c).
function fileOption(file: string): string {
  return `{ "name": "boot-file-name", "data": ${JSON.stringify(file)} }`
}

function optionData(...options: string[]): string {
  return `"option-data": [${options.join(', ')}]`
}

function ownName(nbp: string): string {
  return `bootwright-own-${nbp}`
}

/** Items of a list, each of several lines, with a comma after each but the last. */
function listOf(items: string[][]): string[] {
  return items.flatMap((item, index) => {
    const end = item.at(-1) ?? ''
    return [...item.slice(0, -1), index < items.length - 1 ? `${end},` : end].map((line) => `  ${line}`)
  })
}
