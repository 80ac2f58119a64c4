import type { List, PhrasingContent } from 'mdast'
import type { FindingMeaning } from '../../src/model/findings/finding.ts'
import { findingCodes, findings, findingThemes } from '../../src/model/findings/table.ts'
import { brokenNetworks } from '../lab/broken/broken-networks.ts'
import type { FirmwareName } from '../lab/broken/network.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

const folder = 'docs/reference/findings'
const labFirmware: Record<FirmwareName, string> = {
  uefi: 'OVMF edk2 2022.11, PXE',
  httpBoot: 'OVMF edk2 2022.11, HTTP Boot',
  arm64: 'AAVMF edk2 2022.11, PXE',
  ipxe: 'iPXE of 2019 in a network card, BIOS',
}
const firmwareNames = { bios: 'BIOS', uefi: 'UEFI, PXE', httpBoot: 'UEFI, HTTP Boot', ipxe: 'iPXE' }

/** A page for each finding, and their index. */
export function findingsPages(): [path: string, text: string][] {
  return [
    [`${folder}/README.md`, indexPage()],
    ...findingCodes.map((name): [string, string] => [`${folder}/${name}.md`, findingPage(name, findings[name])]),
  ]
}

function indexPage(): string {
  return formatPage([
    heading(1, 'Findings'),
    generatedFrom('src/model/findings'),
    paragraph(text('A finding is a problem that Bootwright can name. Its code never changes.')),
    ...Object.entries(findingThemes).flatMap(([theme, members]) => [
      heading(2, theme),
      table(
        ['code', 'finding'],
        Object.entries<FindingMeaning>(members).map(([name, { title }]) => [
          { type: 'link', url: `${name}.md`, children: [code(name)] },
          text(title),
        ]),
      ),
    ]),
  ])
}

function findingPage(name: string, { title, means, causes, todo, firmware = {} }: FindingMeaning): string {
  const messages = Object.entries(firmware) as [keyof typeof firmwareNames, string][]
  return formatPage([
    heading(1, name),
    generatedFrom('src/model/findings'),
    paragraph(...prose(`${title}. ${means}`)),
    heading(2, 'Likely causes'),
    list(causes),
    heading(2, 'Next steps'),
    list(todo),
    ...(messages.length === 0
      ? []
      : [
          heading(2, 'On the screen of the machine'),
          ...('bios' in firmware
            ? [
                paragraph(
                  text('The texts of BIOS are from the lists of Intel and of vendors. The lab has no such ROM.'),
                ),
              ]
            : []),
          table(
            ['firmware', 'message'],
            messages.map(([kind, message]) => [text(firmwareNames[kind]), text(message)]),
          ),
        ]),
    ...seenInTheLab(name),
  ])
}

/** What the firmware of the lab printed in networks with this fault. test/lab/firmware-messages.test.ts compares it. */
function seenInTheLab(name: string): Parameters<typeof formatPage>[0] {
  const rows = brokenNetworks
    .filter(({ finding }) => finding === name)
    .flatMap(({ broken, screens = {} }) =>
      Object.entries(screens).map(([firmware, lines]) => ({ broken, firmware: firmware as FirmwareName, lines })),
    )
  if (rows.length === 0) return []
  return [
    heading(2, 'Seen in the lab'),
    paragraph(
      text('The lab breaks a network on purpose and boots real firmware in it. These lines are from its consoles.'),
    ),
    table(
      ['fault', 'firmware', 'lines'],
      rows.map(({ broken, firmware, lines }) => [text(broken), text(labFirmware[firmware]), text(lines.join(' '))]),
    ),
  ]
}

function list(items: readonly string[]): List {
  return {
    type: 'list',
    ordered: true,
    spread: false,
    children: items.map((item) => ({ type: 'listItem', spread: false, children: [paragraph(...prose(item))] })),
  }
}

/** A sentence with its commands, which are in backticks. */
function prose(sentence: string): PhrasingContent[] {
  return sentence
    .split('`')
    .map((part, index) => (index % 2 === 1 ? code(part) : text(part)))
    .filter(({ value }) => value !== '')
}
