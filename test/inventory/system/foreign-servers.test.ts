import { pino } from 'pino'
import { expect, test } from 'vitest'
import { listChanges } from '../../../src/inventory/changes/changes.ts'
import {
  acknowledgeServer,
  countUnacknowledgedServers,
  forgetServer,
  listForeignServers,
} from '../../../src/inventory/system/foreign-servers.ts'
import {
  maxForeignServers,
  maxNewServersPerMinute,
  startForeignServers,
} from '../../../src/inventory/system/server-sightings.ts'
import { newId } from '../../../src/lib/ids/uuid.ts'
import { eachDatabase } from '../../helpers/database.ts'

const quiet = pino({ level: 'silent' })
const router = { address: '192.0.2.1', role: 'dhcp', evidence: 'request' } as const

eachDatabase('foreign servers', (database) => {
  const start = () => startForeignServers(database(), quiet)
  const changes = async () =>
    (await listChanges(database(), { type: 'foreign-server' }, 2000)).map(({ type, actor }) => `${type} by ${actor}`)

  test('are listed once each with their count, and a new one is a change', async () => {
    const servers = start()
    for (let n = 0; n < 5; n++) servers.note({ ...router, interface: 'eth0', client: '52:54:00:12:34:56' })
    servers.note({ ...router, evidence: 'offer', role: 'boot', interface: 'eth0', vendor: 'PXEClient', file: 'x.0' })
    servers.note({ ...router, interface: 'eth1' })
    await servers.stop()
    const listed = await listForeignServers(database())
    expect(listed.map(({ address, role, interface: device, count }) => [address, role, device, count]).sort()).toEqual([
      ['192.0.2.1', 'boot', 'eth0', 1],
      ['192.0.2.1', 'dhcp', 'eth0', 5],
      ['192.0.2.1', 'dhcp', 'eth1', 1],
    ])
    expect(await changes()).toEqual(Array(3).fill('foreign-server.seen by bootwright'))
  })

  test('are written at most once a minute, with what was newly seen', async () => {
    const servers = start()
    servers.note(router)
    await servers.flush()
    servers.note({ ...router, evidence: 'offer', mac: '02:00:00:00:00:01' })
    servers.note({ ...router, evidence: 'offer', file: 'pxelinux.0' })
    await servers.flush()
    expect((await listForeignServers(database()))[0]).toMatchObject({ count: 1, evidence: 'request' })
    await servers.stop()
    expect(await listForeignServers(database())).toMatchObject([
      { count: 3, evidence: 'offer', mac: '02:00:00:00:00:01', file: 'pxelinux.0' },
    ])
    expect(await changes()).toHaveLength(1)
  })

  test('with hostile texts are stored as short lines, and invalid addresses are ignored', async () => {
    const servers = start()
    servers.note({ ...router, vendor: `a\0b\n${'x'.repeat(500)}`, file: '\u202egpj.exe' })
    servers.note({ ...router, address: 'not an address' })
    await servers.stop()
    const [server, ...others] = await listForeignServers(database())
    expect(others).toEqual([])
    expect(server?.vendor).toMatch(/^a\ufffdb\ufffdx{1,128}$/)
    expect(server?.file).toBe('\ufffdgpj.exe')
  })

  test('that appear in a flood are limited in number for each minute', async () => {
    const servers = start()
    for (let n = 0; n < 3000; n++) servers.note({ ...router, address: `10.0.${n >> 8}.${n & 255}` })
    await servers.stop()
    expect(await listForeignServers(database())).toHaveLength(maxNewServersPerMinute)
    expect(await changes()).toHaveLength(maxNewServersPerMinute)
  })

  test('replace the longest unseen unacknowledged ones when the list is full', async () => {
    for (let n = 0; n < maxForeignServers / maxNewServersPerMinute; n++) {
      const servers = start()
      for (let at = n * maxNewServersPerMinute; at < (n + 1) * maxNewServersPerMinute; at++)
        servers.note({ ...router, address: `10.0.${at >> 8}.${at & 255}` })
      await servers.stop()
    }
    const oldest = (await listForeignServers(database())).find(({ address }) => address === '10.0.0.0')
    await acknowledgeServer(database(), oldest?.id ?? '', 'the lab', 'token admin')
    const servers = start()
    servers.note(router)
    await servers.stop()
    const addresses = (await listForeignServers(database())).map(({ address }) => address)
    expect(addresses).toHaveLength(maxForeignServers)
    expect(addresses).toContain('192.0.2.1')
    expect(addresses).toContain('10.0.0.0')
  })

  test('can be acknowledged with a note, and stay acknowledged when they are seen again', async () => {
    const servers = start()
    servers.note(router)
    servers.note({ ...router, address: '192.0.2.2', role: 'boot' })
    await servers.flush()
    const [first] = await listForeignServers(database())
    expect(await countUnacknowledgedServers(database())).toHaveLength(2)
    await acknowledgeServer(database(), first?.id ?? '', 'the router', 'token admin')
    servers.note({ ...router, address: first?.address ?? '', role: first?.role ?? 'dhcp' })
    await servers.stop()
    const listed = await listForeignServers(database())
    expect(listed.at(-1)).toMatchObject({
      id: first?.id,
      count: 2,
      acknowledgedBy: 'token admin',
      note: 'the router',
      acknowledgedAt: expect.any(Date),
    })
    expect(await countUnacknowledgedServers(database())).toHaveLength(1)
    expect(await changes()).toContain('foreign-server.acknowledged by token admin')
  })

  test('that were deleted are new when they are seen again, and unknown ids are named', async () => {
    const servers = start()
    servers.note(router)
    await servers.stop()
    const [server] = await listForeignServers(database())
    await forgetServer(database(), server?.id ?? '', 'token admin')
    expect(await listForeignServers(database())).toEqual([])
    const again = start()
    again.note(router)
    await again.stop()
    expect(await changes()).toEqual([
      'foreign-server.seen by bootwright',
      'foreign-server.forgotten by token admin',
      'foreign-server.seen by bootwright',
    ])
    const unknown = newId()
    await expect(forgetServer(database(), unknown, 'token admin')).rejects.toThrow(
      `there is no foreign server ${unknown}`,
    )
  })
})
