import { formatUuid } from '../../src/lib/ids/uuid.ts'

/** The boot of a token: its first 16 bytes. */
export function testIdIn(token: string): string {
  return formatUuid(Buffer.from(token, 'base64url').subarray(0, 16).toString('hex')) ?? ''
}
