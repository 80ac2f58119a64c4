import { type Advice, adviceOf } from '../../src/model/codes/code.ts'
import { explainCode } from '../../src/model/codes/explain.ts'
import { ipxeAdvice } from '../../src/model/codes/ipxe.ts'
import { biosAdvice } from '../../src/model/codes/pxe-bios.ts'
import { uefiAdvice } from '../../src/model/codes/pxe-uefi.ts'
import { textRows } from '../../src/model/codes/texts.ts'
import { code, formatPage, generatedFrom, heading, list, paragraph, text } from './markdown.ts'

/** The codes that machines show most often. `bootwright explain-code` knows more. */
export function codesPage(): string {
  const pxe = (table: object, firmware: 'bios' | 'uefi') =>
    Object.keys(table)
      .sort()
      .flatMap((digits) => explainCode(`PXE-E${digits}`, firmware))
      .flatMap((explanation) => entry(explanation.code, explanation, explanation.message))
  return formatPage([
    heading(1, 'Codes of firmware and iPXE'),
    generatedFrom('src/model/codes'),
    paragraph(
      code('bootwright explain-code'),
      text(' explains a code, a URL of ipxe.org, or a line of a console. It decodes every code of iPXE. '),
      text('This page has the codes that machines show most often.'),
    ),
    heading(2, 'BIOS: PXE codes'),
    paragraph(text('A UEFI with the same number means something else.')),
    ...pxe(biosAdvice, 'bios'),
    heading(2, 'UEFI: PXE codes'),
    paragraph(text('A BIOS with the same number means something else.')),
    ...pxe(uefiAdvice, 'uefi'),
    heading(2, 'UEFI HTTP Boot and Secure Boot: messages'),
    ...textRows.flatMap(({ code, advice, message }) => entry(code, adviceOf(advice), message)),
    heading(2, 'iPXE'),
    paragraph(
      text('The first six digits of a code name the error. The last two are a status of the firmware, and differ.'),
    ),
    ...[...ipxeAdvice].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([prefix, advice]) => entry(prefix, advice)),
  ])
}

function entry(name: string, { title, meaning, causes, checks }: Advice, message?: string) {
  return [
    heading(3, `${name}: ${title}`),
    paragraph(text(meaning)),
    ...(message === undefined ? [] : [paragraph(text('On the screen: '), code(message))]),
    ...(causes.length === 0 ? [] : [paragraph(text('Likely causes:')), list(causes)]),
    ...(checks.length === 0 ? [] : [paragraph(text('Next steps:')), list(checks)]),
  ]
}
