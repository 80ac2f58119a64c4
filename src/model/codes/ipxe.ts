// Decodes the codes of iPXE, `http://ipxe.org/CCFFFDPP`. Pure.
import { type Advice, adviceOf, type Explanation, type Firmware } from './code.ts'
import { ipxeCaseLines } from './ipxe-cases.ts'
import { ipxeErrorLines } from './ipxe-errors.ts'
import { ipxeFileLines } from './ipxe-files.ts'
import { ipxeNetworkAdvice } from './ipxe-network.ts'
import { ipxeProgramAdvice } from './ipxe-programs.ts'
import { efiStatus, pxeStatus } from './platform-status.ts'

/** The parts of a code, with their names where the tables have them. */
export type IpxeCode = {
  /** The first six digits, which name the page. */
  prefix: string
  /** Of POSIX, `ENOENT`. */
  errorName?: string
  /** The text that iPXE has for the error: that of the case within the file, or that of the POSIX error. */
  text: string
  /** The text of the POSIX error. */
  errorText?: string
  /** `net/tcp/httpcore.c`, or `file 7ff`. */
  file: string
  /** Bits 7 to 0: the status of the platform; undefined if the code has six digits. */
  status?: number
}

type Tables = {
  errors: Map<string, { name: string; text: string }>
  files: Map<string, string>
  cases: Map<string, string>
}
let tables: Tables | undefined

/**
 * The parts of a code of six or eight hexadecimal digits, `2d0c61` or `2d0c613b`. Bits 30 to 24 are the error, and 23 to 13
 * the file. Bits 12 to 8 are the case within the file, and 7 to 0 the status of the platform (iPXE's errno.h).
 */
export function parseIpxeCode(digits: string): IpxeCode {
  const { errors, files, cases } = readTables()
  const prefix = digits.slice(0, 6).toLowerCase()
  const value = Number.parseInt(prefix, 16)
  const [error, file, place] = [(value >> 16) & 0x7f, (value >> 5) & 0x7ff, value & 0x1f]
  const posix = errors.get(hex(error, 2))
  return {
    prefix,
    ...(posix && { errorName: posix.name, errorText: posix.text }),
    text: cases.get(`${hex(file, 3)}.${hex(error, 2)}.${hex(place, 2)}`) ?? posix?.text ?? `error ${hex(error, 2)}`,
    file: files.get(hex(file, 3)) ?? `file ${hex(file, 3)}`,
    ...(digits.length === 8 && { status: Number.parseInt(digits.slice(6), 16) }),
  }
}

/** What a code of iPXE means. Every code has an explanation, also of a file that the tables do not have. */
export function explainIpxe(digits: string, firmware?: Firmware): Explanation {
  const code = parseIpxeCode(digits)
  const { prefix, errorName, text, file, status } = code
  return {
    code: digits.toLowerCase(),
    source: 'ipxe',
    message: text,
    ...(ipxeAdvice.get(prefix) ?? generalAdvice(code)),
    details: [
      `error: ${errorName === undefined ? text : `${errorName} (${text})`}`,
      `file of iPXE: ${file}`,
      ...statusDetails(status, firmware, file),
    ],
    page: `https://ipxe.org/${prefix}`,
  }
}

/** The codes with advice of their own, by their first six digits. */
export const ipxeAdvice: ReadonlyMap<string, Advice> = new Map(
  Object.entries({ ...ipxeNetworkAdvice, ...ipxeProgramAdvice }).map(([prefix, row]) => [prefix, adviceOf(row)]),
)

function generalAdvice({ prefix, text, file }: IpxeCode): Advice {
  const area = areas.find(([start]) => file.startsWith(start))?.[1] ?? 'iPXE'
  return {
    title: clipped(`${text}, in ${file}`),
    meaning: `iPXE reports "${text}". The error comes from ${area}.`,
    causes: [],
    checks: [`Open https://ipxe.org/${prefix} on a computer with access to the internet.`],
  }
}

const areas: [folder: string, area: string][] = [
  ['drivers/net', 'the driver of a network card'],
  ['drivers/', 'a driver'],
  ['net/tcp/', 'a protocol over TCP'],
  ['net/udp/', 'a protocol over UDP'],
  ['net/80211', 'wireless networking'],
  ['net/', 'the network stack'],
  ['crypto/', 'cryptography, which https uses'],
  ['image/', 'the loader of a program'],
  ['arch/x86/image', 'the loader of a program'],
  ['interface/efi', 'the interface to UEFI'],
  ['arch/x86/interface', 'the interface to the BIOS'],
]

// A code does not contain its platform. The platform decides what its last two digits mean.
function statusDetails(status: number | undefined, firmware: Firmware | undefined, file: string): string[] {
  if (status === undefined || status === 0) return []
  const bios = firmware === 'bios' || file.startsWith('arch/x86')
  const uefi = firmware === 'uefi' || /(^|\/)efi/.test(file)
  const names = [
    ...(bios ? [] : [efiStatus(status)].flatMap((name) => (name ? [`UEFI status ${name}`] : []))),
    ...(uefi ? [] : [pxeStatus(status)].flatMap((name) => (name ? [`BIOS status ${name}`] : []))),
  ]
  const digits = hex(status, 2)
  return [names.length === 0 ? `status of the firmware: ${digits}` : `last digits ${digits}: ${names.join(', or ')}`]
}

function readTables(): Tables {
  if (tables !== undefined) return tables
  const errors = new Map<string, { name: string; text: string }>()
  for (const line of linesOf(ipxeErrorLines)) {
    const [number = '', name = '', ...words] = line.split(' ')
    errors.set(number, { name, text: words.join(' ') })
  }
  const files = new Map<string, string>()
  for (const line of linesOf(ipxeFileLines)) {
    const [folder = '', list = ''] = line.split(': ')
    for (const entry of list.split(' ')) {
      const [number = '', name] = entry.split(':')
      files.set(number, folder === '-' ? `${name}.c` : `${folder}/${name}.c`)
    }
  }
  const cases = new Map<string, string>()
  for (const line of linesOf(ipxeCaseLines)) {
    const [place = ''] = line.split(' ')
    for (const entry of line.slice(place.length + 1).split('; '))
      cases.set(`${place}.${entry.slice(0, 2)}`, entry.slice(3))
  }
  tables = { errors, files, cases }
  return tables
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

function clipped(title: string): string {
  return title.length <= 60 ? title : `${title.slice(0, 57)}...`
}
