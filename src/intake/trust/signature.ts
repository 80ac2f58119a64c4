// OpenPGP signatures.
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

/** Who signed: the long key id that the signature names, and the first name of that key's owner. */
export type Signer = { keyId: string; owner: string }

/** A text is not signed by any of the keys that may sign it. */
export class SignatureError extends Error {
  override name = 'SignatureError'
}

/**
 * Verifies a detached OpenPGP signature (RFC 9580), binary or armored. One good signature by one of the keys is enough:
 * distributions sign with their old and their new key at once.
 * @param what the signed thing, for the error
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
    throw new SignatureError(`${what}: its signature is not an OpenPGP signature: ${messageOf(error)}`, {
      cause: error,
    })
  })
  const message = await createMessage({ binary: bytes })
  const { signatures } = await verify({ message, signature: read, verificationKeys: keys, format: 'binary' })
  return goodSigner(signatures, keys, what)
}

/**
 * Verifies a clear-signed text (RFC 9580, 7).
 * @returns the text that is signed, without what may stand around it
 * @throws SignatureError
 */
export async function verifyClearSigned(
  text: string,
  armoredKeys: string,
  what: string,
): Promise<{ text: string; signer: Signer }> {
  const keys = await keysIn(armoredKeys, what)
  const message: CleartextMessage = await readCleartextMessage({ cleartextMessage: text }).catch((error: unknown) => {
    throw new SignatureError(`${what}: it is not clear-signed: ${messageOf(error)}`, { cause: error })
  })
  const { data, signatures } = await verify({ message, verificationKeys: keys })
  return { text: data, signer: await goodSigner(signatures, keys, what) }
}

/** The keys of one or more armored blocks, one after the other. */
async function keysIn(armored: string, what: string): Promise<Key[]> {
  const blocks = armored.match(/-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----/gs) ?? []
  const keys: Key[] = []
  for (const armoredKeys of blocks) {
    const read = await readKeys({ armoredKeys }).catch((error: unknown) => {
      throw new SignatureError(`${what}: the keys that may sign it cannot be read: ${messageOf(error)}`, {
        cause: error,
      })
    })
    keys.push(...read)
  }
  if (keys.length === 0) throw new SignatureError(`${what}: there is no OpenPGP key that may sign it`)
  return keys
}

type Signatures = Awaited<ReturnType<typeof verify>>['signatures']

async function goodSigner(signatures: Signatures, keys: Key[], what: string): Promise<Signer> {
  const faults: string[] = []
  for (const { keyID, verified } of signatures) {
    const keyId = keyID.toHex().toUpperCase()
    try {
      await verified
      const key = keys.find((one) => one.getKeys(keyID).length > 0)
      return { keyId, owner: key?.getUserIDs()[0] ?? '' }
    } catch (error) {
      faults.push(`${keyId}: ${messageOf(error)}`)
    }
  }
  throw new SignatureError(
    `${what}: no good signature by a key that may sign it (${faults.join('; ') || 'it has no signature'})`,
  )
}
