// Explains the codes of firmware, iPXE, shim and Bootwright. Pure.
import { findFinding } from '../findings/table.ts'
import { type AdviceRow, adviceOf, type Explanation, type Firmware } from './code.ts'
import { type FoundCode, findCodes } from './find-codes.ts'
import { explainIpxe } from './ipxe.ts'
import { biosAdvice, biosMessages, biosRanges } from './pxe-bios.ts'
import { uefiAdvice, uefiMessages } from './pxe-uefi.ts'

/**
 * Explains every code in a text: a code, a URL of ipxe.org, or lines of a console. Without `firmware`, a PXE code has one
 * explanation for BIOS and one for UEFI, because they differ. Empty if the text has no code.
 */
export function explainCode(text: string, firmware?: Firmware): Explanation[] {
  return findCodes(text).flatMap((code) => explanationsOf(code, firmware))
}

/** The decoded code of a failure. */
export type Failure = Pick<Explanation, 'code' | 'title' | 'meaning' | 'page'>

/**
 * The code in the message of a failed boot, decoded; undefined if it has none. Only messages of our own scripts count, `iPXE:
 * kernel failed, error 2d0c613b`: numbers in the log of an installer are something else.
 */
export function failureOf(message: string | null | undefined): Failure | undefined {
  if (message?.startsWith('iPXE: ') !== true) return undefined
  const found = findCodes(message).find(({ kind }) => kind === 'ipxe')
  return found?.kind === 'ipxe' ? shortened(explainIpxe(found.digits)) : undefined
}

/** The finding of a refused boot; undefined if the code is unknown. */
export function refusalOf(code: string | null | undefined): Failure | undefined {
  return explainFinding(code ?? '').map(shortened)[0]
}

function shortened({ code, title, meaning, page }: Explanation): Failure {
  return { code, title, meaning, ...(page !== undefined && { page }) }
}

function explanationsOf(code: FoundCode, firmware: Firmware | undefined): Explanation[] {
  if (code.kind === 'ipxe') return [explainIpxe(code.digits, firmware)]
  if (code.kind === 'text') {
    const { code: name, source, firmware, message, advice } = code.row
    return [{ code: name, source, firmware, message, ...adviceOf(advice) }]
  }
  if (code.kind === 'bootwright') return explainFinding(code.code)
  const both = [...pxeBios(code.number), ...pxeUefi(code.number)]
  const matching = both.filter((explanation) => firmware === undefined || explanation.firmware === firmware)
  return matching.length > 0 ? matching : [unknownPxe(code.number, firmware)]
}

function explainFinding(code: string): Explanation[] {
  const finding = findFinding(code)
  if (finding === undefined) return []
  const { title, means, causes, todo, firmware = {} } = finding
  const plain = (text: string) => text.replaceAll('`', '')
  const details = Object.entries(firmware).map(([kind, message]) => `${firmwareNames[kind] ?? kind}: ${message}`)
  return [
    {
      code,
      source: 'bootwright',
      title,
      meaning: plain(means),
      causes: causes.map(plain),
      checks: todo.map(plain),
      ...(details.length > 0 && { details }),
    },
  ]
}

const firmwareNames: Record<string, string> = {
  bios: 'BIOS shows',
  uefi: 'UEFI shows',
  httpBoot: 'UEFI HTTP Boot shows',
  ipxe: 'iPXE shows',
}

function pxeBios(number: string): Explanation[] {
  const digits = number.slice(1)
  const row = number.startsWith('E') ? (biosAdvice[digits] ?? rangeOf(digits)) : otherBiosAdvice[number]
  if (row === undefined) return []
  const message = number.startsWith('E') ? biosMessages[digits] : undefined
  return [
    { code: `PXE-${number}`, source: 'pxe-bios', firmware: 'bios', ...(message && { message }), ...adviceOf(row) },
  ]
}

function pxeUefi(number: string): Explanation[] {
  const row = number.startsWith('E') ? uefiAdvice[number.slice(1)] : undefined
  if (row === undefined) return []
  const message = uefiMessages[number.slice(1)]
  return [
    { code: `PXE-${number}`, source: 'pxe-uefi', firmware: 'uefi', ...(message && { message }), ...adviceOf(row) },
  ]
}

/** Codes of BIOS ROMs that do not begin with E. T codes are the server's own TFTP errors (RFC 1350, appendix). */
const otherBiosAdvice: Record<string, AdviceRow> = {
  M0F: ['the ROM exits', 'The ROM gave up. The code above this line names the reason.', [], []],
  T01: [
    'TFTP: file not found',
    'The TFTP server has no file of this name.',
    ['The boot file name in DHCP is wrong', 'next-server names another TFTP server'],
    ['Compare the name with the files in ipxe/nbp.'],
  ],
  T04: [
    'TFTP: illegal operation',
    'The TFTP server did not accept the request.',
    ['The ROM asks for an option that the server does not know', 'next-server names another server'],
    ['Check next-server of the DHCP server.'],
  ],
}

function rangeOf(digits: string): AdviceRow | undefined {
  return biosRanges.find(([first, last]) => digits >= first && digits <= last)?.[2]
}

function unknownPxe(number: string, firmware: Firmware | undefined): Explanation {
  return {
    code: `PXE-${number}`,
    source: firmware === 'uefi' ? 'pxe-uefi' : 'pxe-bios',
    ...(firmware && { firmware }),
    title: 'a code that is not in the tables',
    meaning: 'The tables of this version do not have this code. Vendors add codes of their own.',
    causes: [],
    checks: ['Look for the code in the manual of the machine or of its network card.'],
  }
}
