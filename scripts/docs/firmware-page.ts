import { firmwareKinds } from '../../src/model/firmware/kinds.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

/** The kinds of firmware by option 93, with their boot programs. */
export function firmwarePage(): string {
  return formatPage([
    heading(1, 'Firmware and boot programs'),
    generatedFrom('src/model/firmware/kinds.ts'),
    paragraph(
      text(
        'Firmware sends its kind in DHCP option 93. A machine gets the first of these boot programs that the server has. A machine or a group can choose another one.',
      ),
    ),
    table(
      ['option 93', 'firmware', 'loaded by', 'boot programs, the preferred name first'],
      firmwareKinds.map(({ code: value, words, transport, nbps }) => [
        text(String(value)),
        text(words),
        text(transport === 'tftp' ? 'TFTP' : 'HTTP'),
        nbps.length === 0 ? text('none') : code(nbps.join(', ')),
      ]),
    ),
    heading(2, 'Notes'),
    ...firmwareKinds.flatMap(({ code: value, note }) =>
      note === undefined ? [] : [paragraph(text(`Code ${value}: ${note}`))],
    ),
  ])
}
