import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

/** Seals short texts so that only a holder of the key can read them: AES-256-GCM (NIST SP 800-38D). */
export type Sealer = {
  /** Which key this is, without telling the key: eight hexadecimal digits, the beginning of everything it sealed. */
  keyId: string
  /** `what` says what the text belongs to; opening it as something else fails, so that sealed texts cannot be swapped. */
  seal: (text: string, what: string) => string
  /** @throws Error when it was sealed by another key, for something else, or was changed */
  open: (sealed: string, what: string) => string
  /** The token of the boot with this id: 32 bytes, the id and half an HMAC-SHA256 of it, as 43 characters of base64url. */
  tokenOf: (bootId: string) => string
}

/** A sealer over a key of 32 bytes. */
export function createSealer(key: Buffer): Sealer {
  const keyId = createHmac('sha256', key).update('key id').digest('hex').slice(0, 8)
  const tokenKey = createHmac('sha256', key).update('boot tokens').digest()
  return {
    keyId,
    tokenOf: (bootId) => {
      const id = Buffer.from(bootId.replaceAll('-', ''), 'hex')
      const proof = createHmac('sha256', tokenKey).update(id).digest().subarray(0, 16)
      return Buffer.concat([id, proof]).toString('base64url')
    },
    seal: (text, what) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(what))
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${keyId}.${sealed.toString('base64url')}`
    },
    open: (sealed, what) => {
      const [id, text = ''] = sealed.split('.')
      if (id !== keyId) throw new Error(`it was sealed with the key ${id}, and this is ${keyId}`)
      const bytes = Buffer.from(text, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(Buffer.from(what)).setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
    },
  }
}

/** A key as it stands in a file or a setting: 64 hexadecimal digits, or 44 characters of base64. Undefined for anything else. */
export function parseKey(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex')
  return /^[A-Za-z0-9+/]{43}=$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : undefined
}
