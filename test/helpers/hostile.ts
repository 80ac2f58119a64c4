import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Db } from '../../src/db/open.ts'
import { createToken } from '../../src/inventory/access/tokens.ts'
import { saveFile } from '../../src/inventory/images/files.ts'
import { openBootFor } from './boots.ts'
import type { PageServer } from './page-server.ts'
import { addTestPerson } from './people.ts'
import { recordReport } from './reports.ts'

/** A text that becomes a script where it is not escaped. */
export const payload = `"><script>alert(1)</script><img src=x onerror=alert(2)>'`

/** Parameters of paths, by `noun/name` or by name. */
export type Hostile = { params: Record<string, string> }

const mac = '52:54:00:66:66:66'

/** An inventory with hostile texts wherever the API accepts a text. */
export async function enterHostile(db: Db, server: PageServer): Promise<Hostile> {
  const { token } = await createToken(db, payload, 'tester')
  const ask = async (method: string, path: string, body?: unknown) => {
    const reply = await server.api.ask(method, `/api/v1${path}`, body, { authorization: `Bearer ${token}` })
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`)
    return reply.body
  }
  const file = await addFile(db, server, 'vmlinuz', payload)
  const variant = { kind: 'linux', arch: 'x86_64', kernel: file, initrds: [file], args: ['quiet'] }
  const image = { title: payload, source: payload, variants: [variant] }
  await ask('PUT', '/images/hostile', image)
  await ask('PUT', '/images/hostile', { ...image, variants: [{ ...variant, args: ['debug'] }] })
  await ask('PUT', '/answer-files/hostile', { title: payload, documents: [{ name: 'preseed.cfg', text: payload }] })
  const entries = [{ kind: 'local', name: 'disk', text: payload }]
  await ask('PUT', '/menus/hostile', { title: payload, entries })
  const assignment = { image: 'hostile', params: { motto: payload } }
  const selector = [{ fact: 'product', equals: payload }]
  await ask('PUT', '/groups/hostile', { priority: 1, selector, assignment })
  const labels = { motto: payload }
  await ask('PUT', `/machines/${mac}`, { serial: payload, product: payload, asset: payload, labels, assignment })
  const facts = {
    mac,
    serial: payload,
    product: payload,
    manufacturer: payload,
    platform: 'pcbios',
    buildarch: 'x86_64',
  } as const
  const boot = await openBootFor(db, facts, '192.0.2.66')
  await recordReport(db, boot.token, 'failed', '192.0.2.66', payload)
  await openBootFor(db, { ...facts, mac: '52:54:00:66:66:67', serial: 'other' }, '192.0.2.67')
  const armed = await ask('POST', '/deployments/bulk', {
    selector: [{ fact: 'product', exists: true }],
    image: 'hostile',
    force: true,
    params: { motto: payload },
  })
  const rollout = await ask('POST', '/rollouts', {
    ...{ action: 'assign', image: 'hostile', ids: [(await ask('GET', `/machines/${mac}`)).id] },
    params: { motto: payload },
  })
  const upload = await ask('POST', '/uploads', { name: payload.replaceAll(/[/\\]/g, ''), sizeBytes: 1000 }).catch(
    () => undefined,
  )
  const imported = await ask('POST', '/imports', { image: 'hostile-2', url: 'http://127.0.0.1:9/x.iso' }).catch(
    () => undefined,
  )
  const webhook = await ask('POST', '/webhooks', { url: 'https://127.0.0.1:9/hook?x=%22%3E' })
  const machine = await ask('GET', `/machines/${mac}`)
  const person = await addTestPerson(db, 'hostile-person', 'viewer')
  return {
    params: {
      'machines/id': machine.id,
      'boots/id': boot.id,
      'deployments/batch': armed.batch,
      'deployments/id': armed.armed[0]?.id ?? boot.id,
      'rollouts/id': rollout.rollout.id,
      'rollouts/verb': 'pause',
      'imports/id': imported?.id ?? boot.id,
      'uploads/id': upload?.id ?? boot.id,
      'setup/id': webhook.id,
      'setup/person': person.name,
      'me/id': boot.id,
      code: 'BW-ACCESS-ROLE',
      name: 'hostile',
      sha256: file.sha256,
      version: '1',
      server: 'dnsmasq',
      secret: 'motto',
    },
  }
}

async function addFile(db: Db, { api }: PageServer, name: string, text: string) {
  const sha256 = createHash('sha256').update(text).digest('hex')
  const sizeBytes = Buffer.byteLength(text)
  await api.deps.store.put(sha256, Readable.from([Buffer.from(text)]), sizeBytes)
  await saveFile(db, { sha256, name, sizeBytes })
  return { sha256, name }
}
