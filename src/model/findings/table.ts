import { accessFindings } from './access.ts'
import { dhcpFindings } from './dhcp.ts'
import { fileFindings } from './files.ts'
import type { FindingMeaning } from './finding.ts'
import { inventoryFindings } from './inventory.ts'
import { refusalFindings } from './refusals.ts'
import { serverFindings } from './server.ts'
import { signInFindings } from './sign-in.ts'

/** The findings by theme, for the index of docs/reference/findings. */
export const findingThemes = {
  DHCP: dhcpFindings,
  'Files on their way': fileFindings,
  Refusals: refusalFindings,
  Inventory: inventoryFindings,
  Server: serverFindings,
  Access: accessFindings,
  'Sign-in': signInFindings,
}

const table = {
  ...dhcpFindings,
  ...fileFindings,
  ...refusalFindings,
  ...inventoryFindings,
  ...serverFindings,
  ...accessFindings,
  ...signInFindings,
}
export type FindingCode = keyof typeof table

/** Every finding by its code. */
export const findings: Readonly<Record<FindingCode, FindingMeaning>> = table

/** All codes, in the order of the table. */
export const findingCodes = Object.keys(findings) as FindingCode[]

/** The words for a code; undefined for a text that is not a code. */
export function findFinding(code: string): FindingMeaning | undefined {
  return Object.hasOwn(findings, code) ? findings[code as FindingCode] : undefined
}
