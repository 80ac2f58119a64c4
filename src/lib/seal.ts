// Encryption of secrets, and the tokens of boots: both use the server's secret key.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

/** Encrypts short texts so that only a holder of the key can read them: AES-256-GCM (NIST SP 800-38D). */
export type Sealer = {
  /** Identifies the key without revealing it: eight hexadecimal digits, with which every sealed text begins. */
  keyId: string
  /** `what` names the owner of the text. Opening fails with any other owner, so sealed texts cannot be swapped. */
  seal: (text: string, what: string) => string
  /** @throws Error if the text was sealed with another key or for another owner, or if it was changed */
  open: (sealed: string, what: string) => string
  /** The token of a boot: its id and the first 16 bytes of the id's HMAC-SHA256, as 43 characters of base64url. */
  tokenOf: (bootId: string) => string
}

/** A sealer with a key of 32 bytes. */
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
      if (id !== keyId) throw new Error(`expected a secret sealed with key ${keyId}, got key ${id}`)
      const bytes = Buffer.from(text, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(Buffer.from(what)).setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
    },
  }
}

/**
 * Parses a key from a file or a setting: 64 hexadecimal digits, or 44 characters of base64. Undefined for any other
 * text.
 */
export function parseKey(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex')
  return /^[A-Za-z0-9+/]{43}=$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : undefined
}
