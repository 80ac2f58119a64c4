// The codes that a script of iPXE explains without the server: most of them mean that the server is unreachable.
import type { Platform } from '../arch.ts'
import { ipxeAdvice } from './ipxe.ts'

/** The first six digits, and the last two by platform, which are the platform's own status (iPXE's errno/pcbios.h, efi.h). */
const rows: [prefix: string, Record<Platform, string>][] = [
  ['380861', { pcbios: '01', efi: '93' }],
  ['4c1060', { pcbios: '35', efi: '92' }],
  ['4c0a60', { pcbios: '35', efi: '92' }],
  ['0f0a60', { pcbios: '39', efi: '95' }],
  ['280a60', { pcbios: '11', efi: '90' }],
  ['4c3760', { pcbios: '35', efi: '92' }],
  ['3e1161', { pcbios: '3b', efi: '8e' }],
  ['3e1162', { pcbios: '3b', efi: '8e' }],
  ['4c1160', { pcbios: '35', efi: '92' }],
  ['410c61', { pcbios: '3c', efi: '8f' }],
  ['1d0c65', { pcbios: '39', efi: '98' }],
  ['3c0920', { pcbios: '03', efi: '83' }],
]

/** A title, and the eight digits of the codes that it is for. */
export type ScreenCode = { codes: string[]; title: string }

/** The codes with their titles, for the platforms that a script may run on. */
export function screenCodes(platforms: readonly Platform[]): ScreenCode[] {
  return rows.map(([prefix, status]) => ({
    codes: [...new Set(platforms.map((platform) => `${prefix}${status[platform]}`))],
    title: ipxeAdvice.get(prefix)?.title ?? prefix,
  }))
}
