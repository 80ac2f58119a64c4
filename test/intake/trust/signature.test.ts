import { createCleartextMessage, createMessage, generateKey, readPrivateKey, sign } from 'openpgp'
import { beforeAll, describe, expect, test } from 'vitest'
import { verifyClearSigned, verifyDetached } from '../../../src/intake/trust/signature.ts'

type Keys = { publicKey: string; privateKey: string }
const newKey = (name: string): Promise<Keys> =>
  generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name, email: `${name}@example.org` }] })

const text = `${'a1'.repeat(32)}  linux\n- a line with a dash\n${'b2'.repeat(32)}  initrd.gz  \n`
const bytes = Buffer.from(text)
let ours: Keys
let other: Keys

const detached = async ({ privateKey }: Keys, what = bytes) =>
  sign({
    message: await createMessage({ binary: what }),
    signingKeys: await readPrivateKey({ armoredKey: privateKey }),
    detached: true,
    format: 'armored',
  })
const clearSigned = async ({ privateKey }: Keys) =>
  sign({
    message: await createCleartextMessage({ text }),
    signingKeys: await readPrivateKey({ armoredKey: privateKey }),
  })

beforeAll(async () => {
  ;[ours, other] = await Promise.all([newKey('ours'), newKey('other')])
})

describe('a detached signature', () => {
  test('is verified, armored and binary, and says who signed', async () => {
    const armored = await detached(ours)
    const signer = await verifyDetached(bytes, Buffer.from(armored), ours.publicKey, 'SHA256SUMS')
    expect(signer).toEqual({ keyId: expect.stringMatching(/^[0-9A-F]{16}$/), owner: 'ours <ours@example.org>' })
    const binary = Buffer.from(
      armored
        .replace(/^-----.*-----$/gm, '')
        .replace(/^=.*$/gm, '')
        .replaceAll(/\s/g, ''),
      'base64',
    )
    expect(await verifyDetached(bytes, binary, ours.publicKey, 'SHA256SUMS')).toEqual(signer)
  })

  test('may be by any of several keys', async () => {
    const keys = `${other.publicKey}\n${ours.publicKey}`
    const signature = Buffer.from(await detached(ours))
    expect((await verifyDetached(bytes, signature, keys, 'SHA256SUMS')).owner).toContain('ours')
  })

  test('is refused if a byte differs, if the key is unknown, and if the text is not a signature', async () => {
    const signature = Buffer.from(await detached(ours))
    const changed = Buffer.from(text.replace('a1', 'a2'))
    await expect(verifyDetached(changed, signature, ours.publicKey, 'SUMS')).rejects.toThrow(
      /^SUMS: no valid signature/,
    )
    await expect(verifyDetached(bytes, signature, other.publicKey, 'SUMS')).rejects.toThrow(/SUMS: no valid signature/)
    for (const none of ['', '<html>404</html>', '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----'])
      await expect(verifyDetached(bytes, Buffer.from(none), ours.publicKey, 'SUMS')).rejects.toThrow(/^SUMS: /)
    await expect(verifyDetached(bytes, signature, 'no keys', 'SUMS')).rejects.toThrow('no OpenPGP key')
  })
})

describe('a clear-signed text', () => {
  test('is verified, and only what is signed is given', async () => {
    const signed = await clearSigned(ours)
    const { text: verified, signer } = await verifyClearSigned(signed, ours.publicKey, 'CHECKSUM')
    expect(signer.owner).toContain('ours')
    expect(verified.split('\n').map((line) => line.trimEnd())).toEqual(text.split('\n').map((line) => line.trimEnd()))
    const around = `${'f0'.repeat(32)}  evil\n${signed}\n${'f0'.repeat(32)}  evil\n`
    const either = await verifyClearSigned(around, ours.publicKey, 'CHECKSUM').then(
      (one) => one.text,
      () => 'refused',
    )
    expect(either).not.toContain('evil')
  })

  test('is refused when it was changed, when a stranger signed, and when it is not signed', async () => {
    const signed = await clearSigned(ours)
    await expect(verifyClearSigned(signed.replace('a1a1', 'a1a2'), ours.publicKey, 'C')).rejects.toThrow(
      'no valid signature',
    )
    await expect(verifyClearSigned(signed, other.publicKey, 'C')).rejects.toThrow('no valid signature')
    await expect(verifyClearSigned(text, ours.publicKey, 'C')).rejects.toThrow('C: expected a clear-signed text')
  })
})
