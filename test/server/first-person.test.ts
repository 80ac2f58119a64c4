import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { useLink } from '../../src/auth/links.ts'
import { loadConfig } from '../../src/config/config.ts'
import { dataFolder } from '../../src/config/data-folder.ts'
import { openEmbedded } from '../../src/db/open-embedded.ts'
import { startServer } from '../../src/server/server.ts'
import { putTestDatabase } from '../helpers/database.ts'
import { browser, goodPassword, sessionOf, signInDeps } from '../helpers/people.ts'

test('each start has a link for the first person until an admin exists, and starts while the OpenID provider is away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-first-'))
  putTestDatabase(folder)
  const welcomeUrl = async (env: Record<string, string> = {}) => {
    const config = loadConfig({
      BOOTWRIGHT_DATA_DIR: folder,
      BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
      BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
      BOOTWRIGHT_TFTP_LISTEN: 'off',
      ...env,
    })
    const server = await startServer(config, pino({ level: 'silent' }))
    await server.stop()
    return server.welcomeUrl
  }
  try {
    expect(await welcomeUrl()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/welcome\/[\w-]{43}$/)
    const url = await welcomeUrl({
      BOOTWRIGHT_ADMIN_URL: 'https://boot.example.org/',
      BOOTWRIGHT_OIDC_ISSUER: 'http://127.0.0.1:1',
      BOOTWRIGHT_OIDC_CLIENT_ID: 'bootwright',
      BOOTWRIGHT_OIDC_ROLES: 'admins=admin',
    })
    expect(url).toMatch(/^https:\/\/boot\.example\.org\/welcome\/[\w-]{43}$/)
    const { db, close } = await openEmbedded(dataFolder(folder).database)
    const secret = url?.split('/').at(-1) ?? ''
    sessionOf(await useLink(signInDeps(db), secret, { ...browser, name: 'anna', password: goodPassword }))
    await close()
    expect(await welcomeUrl()).toBeUndefined()
  } finally {
    await rm(folder, { recursive: true })
  }
}, 60_000)
