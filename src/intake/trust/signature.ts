// Verifies OpenPGP signatures.
import {
  type CleartextMessage,
  createMessage,
  type Key,
  readCleartextMessage,
  readKeys,
  readSignature,
  verify,
} from 'openpgp'
import { messageOf } from '../../lib/errors.ts'

/** The signer: the long key ID in the signature, and the first user ID of the key. */
export type Signer = { keyId: string; owner: string }

/** A file lacks a valid signature by one of the allowed keys. */
export class SignatureError extends Error {
  override name = 'SignatureError'
}

/**
 * Verifies a detached OpenPGP signature (RFC 9580), binary or armored. One valid signature by one of the keys is enough,
 * because distributions sign with their old and their new key together.
 * @param what the name of the signed file, for errors
 * @throws SignatureError
 */
export async function verifyDetached(
  bytes: Uint8Array,
  signature: Uint8Array,
  armoredKeys: string,
  what: string,
): Promise<Signer> {
  const keys = await keysIn(armoredKeys, what)
  const armor = Buffer.from(signature).toString('latin1')
  const read = await (armor.trimStart().startsWith('-----BEGIN PGP')
    ? readSignature({ armoredSignature: armor })
    : readSignature({ binarySignature: signature })
  ).catch((error: unknown) => {
    throw new SignatureError(`${what}: expected an OpenPGP signature: ${messageOf(error)}`, { cause: error })
  })
  const message = await createMessage({ binary: bytes })
  const { signatures } = await verify({ message, signature: read, verificationKeys: keys, format: 'binary' })
  return goodSigner(signatures, keys, what)
}

/**
 * Verifies a clear-signed text (RFC 9580, 7).
 * @returns the signed text only, without any text around it
 * @throws SignatureError
 */
export async function verifyClearSigned(
  text: string,
  armoredKeys: string,
  what: string,
): Promise<{ text: string; signer: Signer }> {
  const keys = await keysIn(armoredKeys, what)
  const message: CleartextMessage = await readCleartextMessage({ cleartextMessage: text }).catch((error: unknown) => {
    throw new SignatureError(`${what}: expected a clear-signed text: ${messageOf(error)}`, { cause: error })
  })
  const { data, signatures } = await verify({ message, verificationKeys: keys })
  return { text: data, signer: await goodSigner(signatures, keys, what) }
}

/** The keys of one or more armored blocks. */
async function keysIn(armored: string, what: string): Promise<Key[]> {
  const blocks = armored.match(/-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----/gs) ?? []
  const keys: Key[] = []
  for (const armoredKeys of blocks) {
    const read = await readKeys({ armoredKeys }).catch((error: unknown) => {
      throw new SignatureError(`${what}: the allowed OpenPGP keys cannot be read: ${messageOf(error)}`, {
        cause: error,
      })
    })
    keys.push(...read)
  }
  if (keys.length === 0) throw new SignatureError(`${what}: there is no OpenPGP key to verify its signature`)
  return keys
}

type Signatures = Awaited<ReturnType<typeof verify>>['signatures']

async function goodSigner(signatures: Signatures, keys: Key[], what: string): Promise<Signer> {
  const faults: string[] = []
  for (const { keyID, verified } of signatures) {
    const keyId = keyID.toHex().toUpperCase()
    try {
      await verified
      const key = keys.find((candidate) => candidate.getKeys(keyID).length > 0)
      return { keyId, owner: key?.getUserIDs()[0] ?? '' }
    } catch (error) {
      faults.push(`${keyId}: ${messageOf(error)}`)
    }
  }
  throw new SignatureError(
    `${what}: no valid signature by an allowed key (${faults.join('; ') || 'there is no signature'})`,
  )
}
