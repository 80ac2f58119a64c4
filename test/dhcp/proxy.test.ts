import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { ignoredReasons } from '../../src/dhcp/ignored.ts'
import { createProxy } from '../../src/dhcp/proxy.ts'
import type { Reply } from '../../src/dhcp/reply.ts'
import type { Nbp } from '../../src/files/nbps.ts'
import { optionCodes } from '../../src/lib/dhcp/option-codes.ts'
import { type DhcpPacket, formatDhcp, parseDhcp, textOption } from '../../src/lib/dhcp/packet.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { Situation } from '../../src/model/decision.ts'
import type { ServerSighting } from '../../src/model/foreign-server.ts'
import type { Machine } from '../../src/model/machine.ts'
import { machineOf, situationOf } from '../helpers/decide.ts'
import { seeded } from '../helpers/seeded.ts'
import { rawDatagram } from '../lib/dhcp/packets.ts'
import { context, discoverOf, fromEdk2, ipxeOptions, request } from './clients.ts'

const nbps = new Map([...context.nbps].map((nbp) => [nbp.name, nbp as Nbp]))
const nobody = situationOf({})
const machine = (parts: Partial<Machine>) => situationOf({ machine: machineOf(parts) })

/** A proxy without sockets. `find` stands for the database. */
function proxyOf(env: Record<string, string> = {}, find: () => Promise<Situation> = async () => nobody) {
  const sent: Reply[] = []
  const lines: Record<string, unknown>[] = []
  const events: { mac?: string | undefined; ip: string; file?: string | undefined; message?: string | undefined }[] = []
  const sightings: ServerSighting[] = []
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const proxy = createProxy(loadConfig(env).proxyDhcp, {
    nbps,
    inventory: {
      events: { record: (event) => void events.push(event) },
      noteServer: (sighting) => void sightings.push(sighting),
      findSituation: find,
    },
    urlsAt: () => ({ baseUrl: context.baseUrl, addressUrl: context.addressUrl }),
    servesTftp: true,
    log,
    metrics,
  })
  onTestFinished(proxy.stop)
  let addresses = [{ address: '10.99.0.2', subnet: '10.99.0.2/24' }]
  const network = { device: 'eth0', ownAddresses: () => addresses, send: (reply: Reply) => void sent.push(reply) }
  const take = (packet: DhcpPacket | Buffer, port: 67 | 68 | 4011 = 67, from = { address: '0.0.0.0', port: 68 }) =>
    proxy.handle({ bytes: Buffer.isBuffer(packet) ? packet : formatDhcp(packet), port, from }, network)
  const setAddresses = (list: typeof addresses) => {
    addresses = list
  }
  const files = () => sent.map(({ datagram }) => parseDhcp(datagram)?.file)
  const counted = async () => (await metrics.scrape()).match(/^bootwright_dhcp_packets_total.*$/gm)
  return { proxy, take, sent, files, lines, events, sightings, setAddresses, counted }
}
const settled = () => sleep(5)
const other = (xid: number, code = 7) => discoverOf(code, { fields: { xid } })

describe('proxyDHCP', () => {
  test('answers firmware, and records the answer with the MAC', async () => {
    const { take, files, lines, events } = proxyOf()
    take(discoverOf(7))
    await settled()
    expect(files()).toEqual(['snponly.efi'])
    expect(lines).toEqual([
      expect.objectContaining({
        ...{ level: 30, mac: '52:54:00:12:34:56', interface: 'eth0', client: 'UEFI x86-64', file: 'snponly.efi' },
        msg: 'boot file offered by proxyDHCP',
      }),
    ])
    expect(events).toEqual([
      {
        stage: 'dhcp',
        kind: 'offered',
        client: 'pxe',
        ip: '0.0.0.0',
        mac: '52:54:00:12:34:56',
        file: 'snponly.efi',
        message: 'offered to UEFI x86-64',
      },
    ])
  })

  test('looks iPXE up only if the answer depends on its machine', async () => {
    let lookups = 0
    const find = async () => {
      lookups += 1
      return machine({ discovered: false })
    }
    const ipxe = discoverOf(7, { options: ipxeOptions })
    const open = proxyOf({}, find)
    open.take(ipxe)
    await settled()
    expect(open.files()).toEqual([`${context.baseUrl}/boot.ipxe`])
    expect(lookups).toBe(0)
    const careful = proxyOf({ BOOTWRIGHT_PROXY_KNOWN_ONLY: 'yes' }, find)
    careful.take(ipxe)
    await settled()
    expect(careful.files()).toEqual([`${context.baseUrl}/boot.ipxe`])
    expect(lookups).toBe(1)
  })

  test('records the address of a client that asks at port 4011', async () => {
    const { take, sent, events } = proxyOf()
    take(discoverOf(7, { options: [request] }), 4011, fromEdk2)
    await settled()
    expect(sent).toMatchObject([{ fromPort: 4011, to: fromEdk2 }])
    expect(events).toMatchObject([{ ip: '10.99.0.157', mac: '52:54:00:12:34:56' }])
  })

  test('says in plain words why a client was ignored, and records it', async () => {
    const { take, sent, lines, events } = proxyOf()
    take(discoverOf(27))
    await settled()
    const why =
      'no boot program for UEFI RISC-V, 64 bits. Add one to the folder of boot programs: snponly-riscv64.efi or ipxe-riscv64.efi'
    expect(sent).toEqual([])
    expect(lines).toMatchObject([
      { level: 30, mac: '52:54:00:12:34:56', reason: 'no-boot-program', msg: `DHCP client ignored: ${why}` },
    ])
    expect(events).toMatchObject([{ mac: '52:54:00:12:34:56', message: `ignored: ${why}` }])
  })

  test('writes about ordinary clients only at debug level, and records no event', async () => {
    const { take, lines, events } = proxyOf()
    take(discoverOf(7, { without: [optionCodes.vendorClass] }))
    await settled()
    expect(lines).toMatchObject([{ level: 20, reason: 'not-network-boot' }])
    expect(events).toEqual([])
  })

  test('counts packets by their kind and their answer', async () => {
    const { take, counted } = proxyOf()
    take(other(1))
    take(other(2))
    take(other(3, 27))
    take(discoverOf(7, { options: [request] }), 4011, fromEdk2)
    take(discoverOf(7, { without: [optionCodes.vendorClass] }))
    take(Buffer.from('not DHCP'))
    await settled()
    expect((await counted())?.sort()).toEqual([
      'bootwright_dhcp_packets_total{kind="discover",answer="no-boot-program"} 1',
      'bootwright_dhcp_packets_total{kind="discover",answer="not-network-boot"} 1',
      'bootwright_dhcp_packets_total{kind="discover",answer="offer"} 2',
      'bootwright_dhcp_packets_total{kind="other",answer="malformed"} 1',
      'bootwright_dhcp_packets_total{kind="request",answer="ack"} 1',
    ])
  })

  test('counts a flood of invented packets under few labels', async () => {
    const { take, counted } = proxyOf({ BOOTWRIGHT_LOG_LEVEL: 'silent' })
    for (let code = 0; code < 2000; code++)
      take(discoverOf(code, { options: [[optionCodes.messageType, [code % 256]]], fields: { xid: code } }))
    await settled()
    const labels = [...ignoredReasons, 'offer', 'ack', 'malformed'].length
    expect((await counted())?.length).toBeLessThanOrEqual(4 * labels)
  })

  test('answers a client once a second', async () => {
    const { take, files } = proxyOf()
    for (const packet of [other(1), other(1), other(2)]) take(packet)
    await settled()
    expect(files()).toHaveLength(2)
  })

  test('delays its offers, and not its answers at port 4011', async () => {
    const { take, sent } = proxyOf({ BOOTWRIGHT_PROXY_DELAY_MS: '60' })
    take(discoverOf(7))
    take(discoverOf(7, { options: [request] }), 4011, fromEdk2)
    await settled()
    expect(sent.map(({ fromPort }) => fromPort)).toEqual([4011])
    await expect.poll(() => sent.map(({ fromPort }) => fromPort)).toEqual([4011, 67])
  })

  test('sends nothing after it is stopped', async () => {
    const { take, sent, proxy } = proxyOf({ BOOTWRIGHT_PROXY_DELAY_MS: '30' })
    take(other(1))
    proxy.stop()
    take(other(2))
    await sleep(60)
    expect(sent).toEqual([])
  })

  test('sends nothing if it only watches, and records the clients', async () => {
    const { take, sent, events } = proxyOf({ BOOTWRIGHT_PROXY_WATCH_ONLY: 'yes' })
    take(discoverOf(7))
    await settled()
    expect(sent).toEqual([])
    expect(events).toMatchObject([{ message: 'ignored: BOOTWRIGHT_PROXY_WATCH_ONLY is set' }])
  })

  test('uses an address that the interface gets later', async () => {
    const { take, sent, lines, setAddresses } = proxyOf()
    setAddresses([])
    take(other(1))
    setAddresses([{ address: '10.1.0.5', subnet: '10.1.0.5/16' }])
    take(other(2))
    await settled()
    expect(lines).toMatchObject([
      { reason: 'no-own-address', msg: 'DHCP client ignored: eth0 has no IPv4 address yet' },
      {},
    ])
    expect(sent.map(({ datagram }) => parseDhcp(datagram)?.siaddr)).toEqual(['10.1.0.5'])
  })

  test('gives a machine its boot program and its mode, before those of its subnet', async () => {
    const chosen = machine({ assignment: { bootProgram: 'ipxe.efi', proxy: 'both' } })
    const { take, files } = proxyOf({ BOOTWRIGHT_PROXY_SUBNET_MODES: '10.99.0.0/24=pxe10' }, async () => chosen)
    take(discoverOf(7))
    await settled()
    expect(files()).toEqual(['ipxe.efi', 'ipxe.efi'])
  })

  test('gives other machines the mode of their subnet', async () => {
    const { take, sent } = proxyOf({ BOOTWRIGHT_PROXY_SUBNET_MODES: '10.99.0.0/24=pxe10' })
    take(discoverOf(7))
    await settled()
    expect(parseDhcp((sent[0] as Reply).datagram)?.options.has(optionCodes.vendorOptions)).toBe(true)
  })

  test('answers denied machines like others, so that their screens say why they are refused', async () => {
    const { take, files } = proxyOf({ BOOTWRIGHT_PROXY_KNOWN_ONLY: 'yes' }, async () => machine({ denied: true }))
    take(other(1))
    take(discoverOf(7, { options: ipxeOptions, fields: { xid: 2 } }))
    await settled()
    expect(files()).toEqual(['snponly.efi', `${context.baseUrl}/boot.ipxe`])
  })

  test.each([
    ['entered', machine({}), 1],
    ['denied and discovered', machine({ denied: true, discovered: true }), 0],
    ['discovered', machine({ discovered: true }), 0],
    ['unknown', nobody, 0],
  ])('for known machines only, with a machine that is %s', async (_, situation, count) => {
    const { take, sent } = proxyOf({ BOOTWRIGHT_PROXY_KNOWN_ONLY: 'yes' }, async () => situation)
    take(discoverOf(7))
    await settled()
    expect(sent).toHaveLength(count)
  })
})

describe('proxyDHCP while the database is away', () => {
  const hang = () => new Promise<never>(() => {})
  test('answers with the defaults, and says it in the log', async () => {
    const { take, files, lines } = proxyOf({}, hang)
    take(discoverOf(7))
    await expect.poll(files, { timeout: 5000 }).toEqual(['snponly.efi'])
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 40,
        mac: '52:54:00:12:34:56',
        msg: 'the database did not answer in time, so a DHCP client gets the defaults',
      }),
    )
  })

  test('answers with the defaults if the query fails', async () => {
    const { take, files } = proxyOf({}, async () => {
      throw new Error('connection refused')
    })
    take(discoverOf(7))
    await expect.poll(files).toEqual(['snponly.efi'])
  })

  test('answers nobody for known machines only, and says why', async () => {
    const { take, sent, lines } = proxyOf({ BOOTWRIGHT_PROXY_KNOWN_ONLY: 'yes' }, hang)
    take(discoverOf(7))
    await expect.poll(() => lines.map(({ reason }) => reason), { timeout: 5000 }).toEqual(['database'])
    expect(sent).toEqual([])
  })

  test('remembers the choice of a machine', async () => {
    let away = false
    const chosen = machine({ assignment: { bootProgram: 'ipxe.efi' } })
    const { take, files } = proxyOf({}, () => (away ? hang() : Promise.resolve(chosen)))
    take(other(1))
    await settled()
    away = true
    take(other(2))
    await expect.poll(files, { timeout: 5000 }).toEqual(['ipxe.efi', 'ipxe.efi'])
  })
})

describe('proxyDHCP beside other servers', () => {
  const toRouter: [number, number[] | string][] = [
    request,
    [optionCodes.serverId, [10, 99, 0, 1]],
    [optionCodes.requestedAddress, [10, 99, 0, 157]],
  ]

  test('notes the server that a client names, and the address that firmware accepts', async () => {
    const { take, sent, sightings, events } = proxyOf()
    take(discoverOf(7, { options: toRouter }))
    await settled()
    expect(sent).toEqual([])
    expect(sightings).toEqual([
      { address: '10.99.0.1', interface: 'eth0', client: '52:54:00:12:34:56', role: 'dhcp', evidence: 'request' },
    ])
    expect(events).toEqual([
      {
        stage: 'dhcp',
        kind: 'accepted',
        ip: '10.99.0.157',
        mac: '52:54:00:12:34:56',
        message: 'accepted 10.99.0.157 from the DHCP server 10.99.0.1',
      },
    ])
  })

  test('notes a server whose offer it sees at port 68, and answers nothing there', async () => {
    const { take, sent, sightings } = proxyOf()
    const options = new Map([
      [optionCodes.messageType as number, Buffer.from([2])],
      [optionCodes.serverId, Buffer.from([10, 99, 0, 9])],
    ])
    take({ ...discoverOf(7), op: 2, yiaddr: '10.99.0.50', options }, 68)
    take(discoverOf(7), 68)
    await settled()
    expect(sightings).toMatchObject([{ address: '10.99.0.9', role: 'dhcp', evidence: 'offer' }])
    expect(sent).toEqual([])
  })

  test('sends nothing to an ordinary client in any of its messages', async () => {
    const { take, sent } = proxyOf()
    for (const type of [1, 3, 4, 7, 8])
      for (const port of [67, 68, 4011] as const)
        take(
          discoverOf(7, {
            options: [...toRouter, [optionCodes.messageType, [type]]],
            without: [optionCodes.vendorClass],
          }),
          port,
        )
    await settled()
    expect(sent).toEqual([])
  })
})

describe('proxyDHCP with hostile packets', () => {
  test('survives 20,000 of them at all ports, and answers the next machine', async () => {
    const random = seeded('hostile DHCP packets')
    const { take, sent } = proxyOf({ BOOTWRIGHT_LOG_LEVEL: 'silent' })
    const byte = () => random.between(0, 255)
    const original = formatDhcp(discoverOf(7, { options: ipxeOptions, fields: { giaddr: '10.1.0.1' } }))
    for (let round = 0; round < 20_000; round++) {
      const flipped = Buffer.from(original)
      for (let count = random.between(1, 20); count > 0; count--)
        flipped[random.between(0, flipped.length - 1)] = byte()
      const rough = rawDatagram({
        options: [
          53,
          1,
          random.pick([1, 3, 8]),
          60,
          9,
          ...Buffer.from('PXEClient'),
          ...Array.from({ length: random.between(0, 40) }, byte),
        ],
      })
      const datagram = random.pick([flipped, flipped.subarray(0, random.between(0, flipped.length)), rough])
      take(datagram, random.pick([67, 68, 4011]), { address: '10.99.0.157', port: random.between(0, 65_535) })
      if (round % 500 === 0) await sleep(0)
    }
    await settled()
    sent.length = 0
    take({ ...discoverOf(7, { fields: { xid: 7 } }), chaddr: Buffer.from('525400bbbbbb', 'hex') })
    await settled()
    expect(sent.map(({ datagram }) => textOption(parseDhcp(datagram) as DhcpPacket, optionCodes.bootFile))).toEqual([
      'snponly.efi',
    ])
  })

  test('writes at most 200 lines a second about a flood of invented clients', async () => {
    const { take, lines, sent } = proxyOf()
    for (let xid = 0; xid < 5000; xid++)
      take({ ...discoverOf(99, { fields: { xid } }), chaddr: Buffer.from([2, 0, 0, 0, xid >> 8, xid & 255]) })
    await settled()
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.length).toBeLessThan(5000)
    expect(sent).toEqual([])
  })

  test('writes at most 200 lines a second about them while the database fails', async () => {
    const { take, lines } = proxyOf({}, async () => {
      throw new Error('connection refused')
    })
    for (let xid = 0; xid < 5000; xid++)
      take({ ...discoverOf(7, { fields: { xid } }), chaddr: Buffer.from([2, 0, 0, 0, xid >> 8, xid & 255]) })
    await settled()
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.length).toBeLessThan(2500)
  })
})
