// Encryption of secrets, and the tokens of boots: both use the server's secret key.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { formatUuid } from './ids/uuid.ts'

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
  /** All tokens that open a boot: that of `tokenOf`, and that of earlier servers. */
  tokensOf: (bootId: string) => string[]
  /**
   * The boot of a token; undefined if the token is not genuine, is older than 48 hours, or is from more than 48 hours
   * ahead. @param now milliseconds since 1970
   */
  bootOf: (token: string, now?: number) => string | undefined
}

/** How long the token of a boot is valid, and how far ahead of the clock it may be. The clock may have been set back. */
const tokenLifetimeMs = 48 * 3_600_000
const proofBytes = 16

/** A sealer with a key of 32 bytes. */
export function createSealer(key: Buffer): Sealer {
  const keyId = createHmac('sha256', key).update('key id').digest('hex').slice(0, 8)
  const tokenKeys = bootTokenKeys(key)
  const tokenBy = (tokenKey: KeyObject, bootId: string) => {
    const id = Buffer.from(bootId.replaceAll('-', ''), 'hex')
    return Buffer.concat([id, proofOf(tokenKey, id)]).toString('base64url')
  }
  return {
    keyId,
    tokenOf: (bootId) => tokenBy(tokenKeys[0], bootId),
    tokensOf: (bootId) => tokenKeys.map((tokenKey) => tokenBy(tokenKey, bootId)),
    bootOf: (token, now = Date.now()) => {
      const bytes = bytesOfToken(token)
      if (bytes === undefined) return undefined
      const [id, proof] = [bytes.subarray(0, 16), bytes.subarray(16)]
      // Every key is tried, so the time does not depend on the proof.
      const genuine = tokenKeys.map((tokenKey) => timingSafeEqual(proofOf(tokenKey, id), proof))
      if (!genuine.includes(true) || Math.abs(now - id.readUIntBE(0, 6)) > tokenLifetimeMs) return undefined
      return formatUuid(id.toString('hex'))
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

/** The key of boot tokens (HKDF, RFC 5869), and the key of tokens that earlier servers made. */
function bootTokenKeys(key: Buffer): [KeyObject, KeyObject] {
  const derived = Buffer.from(hkdfSync('sha256', key, '', 'bootwright boot tokens', 32))
  const earlier = createHmac('sha256', key).update('boot tokens').digest()
  return [createSecretKey(derived), createSecretKey(earlier)]
}

function proofOf(tokenKey: KeyObject, id: Buffer): Buffer {
  return createHmac('sha256', tokenKey).update(id).digest().subarray(0, proofBytes)
}

/**
 * The 32 bytes of a token that begin with a UUID version 7 (RFC 9562). The last of 43 characters carries four bits, so
 * other characters decode to the same bytes: only the canonical one is accepted.
 */
function bytesOfToken(token: string): Buffer | undefined {
  if (!/^[\w-]{43}$/.test(token)) return undefined
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.toString('base64url') !== token) return undefined
  const [version, variant] = [bytes.readUInt8(6) >> 4, bytes.readUInt8(8) >> 6]
  return version === 7 && variant === 2 ? bytes : undefined
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
