import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFetches } from '../../src/doctor/network/fetches.ts'
import { followClient } from '../../src/doctor/network/follow.ts'
import { fetchHttp } from '../../src/doctor/network/http.ts'
import type { Probe } from '../../src/doctor/network/probe.ts'
import { createLog } from '../../src/lib/log.ts'
import { type FirmwareKind, findFirmwareKind } from '../../src/model/firmware/kinds.ts'
import { clientPacket, optionsOf } from '../lib/dhcp/packets.ts'

const patience = { offerMs: 100, furtherMs: 50, answerMs: 50 }
const probe: Probe = {
  ...{ device: 'eth0', address: '127.0.0.1', server: { addresses: ['192.0.2.2'], nbps: [] } },
  ...{ patience, tftpPatience: { retryMs: 50, retries: 0, maxMs: 200 } },
  log: createLog('silent', process.stderr),
}
const uefi = { kind: findFirmwareKind(7) as FirmwareKind, isIpxe: false }

function lease(siaddr: string, file: string) {
  const options = optionsOf([
    [53, [2]],
    [54, [192, 0, 2, 1]],
    [67, file],
  ])
  return { from: '192.0.2.1', packet: clientPacket({ op: 2, yiaddr: '192.0.2.99', siaddr, options }) }
}

describe('An offer that leads the doctor to this computer', () => {
  let server: Server
  let url: string
  let requests = 0
  beforeAll(async () => {
    server = createServer((_, response) => {
      requests += 1
      response.end('x'.repeat(5000))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  test('by a URL fails without a request', async () => {
    expect(await fetchHttp(url, { localAddress: '127.0.0.1', dnsServers: [] })).toEqual({
      outcome: 'failed',
      message: '127.0.0.1 is not the address of another computer',
    })
    expect(requests).toBe(0)
  })

  test('by its next server is a finding', async () => {
    const wire = { askBootServer: async () => undefined }
    for (const address of ['127.0.0.1', '224.0.0.1', '255.255.255.255']) {
      const { findings } = await followClient(probe, wire, createFetches(probe), uefi, [lease(address, 'ipxe.efi')])
      expect(findings).toMatchObject([
        {
          check: 'boot file',
          code: 'BW-NEXT-SERVER-ELSEWHERE',
          seen: `${address} is not the address of another computer`,
        },
      ])
    }
  })

  test('a URL of the settings may be of this computer, and long bodies are cut', async () => {
    expect(await fetchHttp(url)).toMatchObject({ outcome: 'answer', status: 200, isCut: false })
    const cut = await fetchHttp(url, { maxBytes: 100 })
    expect(cut).toMatchObject({ outcome: 'answer', isCut: true })
    expect(cut.outcome === 'answer' && cut.bytes.length).toBe(100)
  })
})

describe('A boot file of another server', () => {
  const bytes = Buffer.alloc(2048)
  bytes.write('MZ')
  bytes.writeUInt32LE(64, 0x3c)
  bytes.write('PE\0\0', 64, 'latin1')
  bytes.writeUInt16LE(0x8664, 68)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const own = [{ name: 'ipxe.efi', sha256, sizeBytes: bytes.length }]
  const wire = { askBootServer: async () => undefined }
  const fetches = {
    ...createFetches(probe),
    tftp: async () => ({ outcome: 'file' as const, bytes, blockSize: 1468 }),
  }
  const follow = async (nbps: typeof own) => {
    const server = { addresses: ['192.0.2.2'], nbps }
    const { findings } = await followClient({ ...probe, server }, wire, fetches, uefi, [
      lease('192.0.2.3', 'a of Bootwright/ipxe.efi'),
    ])
    return findings
  }

  test('is fine if it is an unchanged copy of ours', async () => {
    expect(await follow(own)).toMatchObject([{ state: 'ok' }])
  })

  test('is a finding if it is another program, whatever its name', async () => {
    expect(await follow([])).toMatchObject([{ code: 'BW-NEXT-SERVER-ELSEWHERE', state: 'warning' }])
  })
})
