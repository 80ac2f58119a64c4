import { describe, expect, test } from 'vitest'
import { whatFirmwareTakes } from '../../src/doctor/network/firmware-takes.ts'
import type { Offer } from '../../src/doctor/network/offers.ts'
import { addressBytes, type DhcpPacket } from '../../src/lib/dhcp/packet.ts'
import { type FirmwareKind, findFirmwareKind } from '../../src/model/firmware/kinds.ts'

const router = '192.0.2.1'
const boot = '192.0.2.2'
const other = '192.0.2.3'

type Fields = { file?: string; option67?: string; siaddr?: string; vendorClass?: string; pxe?: number[]; dns?: string }

function offer(from: string, yiaddr: string, fields: Fields = {}, more: [number, Buffer][] = []): Offer {
  const { file = '', option67, siaddr = '0.0.0.0', vendorClass, pxe, dns } = fields
  const options = new Map<number, Buffer>([
    [53, Buffer.from([2])],
    [54, addressBytes(from)],
    ...(option67 === undefined ? [] : [[67, Buffer.from(option67)] as [number, Buffer]]),
    ...(vendorClass === undefined ? [] : [[60, Buffer.from(vendorClass)] as [number, Buffer]]),
    ...(pxe === undefined ? [] : [[43, Buffer.from(pxe)] as [number, Buffer]]),
    ...(dns === undefined ? [] : [[6, addressBytes(dns)] as [number, Buffer]]),
    ...more,
  ])
  const zero = '0.0.0.0'
  const packet: DhcpPacket = {
    ...{ op: 2, htype: 1, hops: 0, xid: 1, secs: 0, flags: 0, ciaddr: zero, yiaddr, siaddr, giaddr: zero },
    ...{ chaddr: Buffer.alloc(6, 2), sname: '', file, options },
  }
  return { from, packet }
}

const lease = (fields: Fields = {}, more: [number, Buffer][] = []) => offer(router, '192.0.2.100', fields, more)
const proxy = (fields: Fields = {}, from = boot) =>
  offer(from, '0.0.0.0', { vendorClass: 'PXEClient', siaddr: from, ...fields })
const kindOf = (code: number) => findFirmwareKind(code) as FirmwareKind
const uefi = { kind: kindOf(7), isIpxe: false }
const bios = { kind: kindOf(0), isIpxe: false }
const http = { kind: kindOf(16), isIpxe: false }
const ipxe = { kind: kindOf(7), isIpxe: true }
const useFile = [6, 1, 8, 255]

describe('Firmware of UEFI (PXE)', () => {
  test('has no offer, or none with an address', () => {
    expect(whatFirmwareTakes(uefi, [])).toEqual({ step: 'no-offer' })
    expect(whatFirmwareTakes(uefi, [proxy()])).toMatchObject({ step: 'no-address' })
  })

  test('takes the boot file of the DHCP server, option 67 before the field', () => {
    const take = whatFirmwareTakes(uefi, [lease({ option67: 'a.efi', file: 'b.efi', siaddr: boot })])
    expect(take).toMatchObject({ step: 'file', file: 'a.efi', server: boot })
  })

  test('takes the DHCP server as its TFTP server without siaddr', () => {
    expect(whatFirmwareTakes(uefi, [lease({ file: 'a.efi' })])).toMatchObject({ step: 'file', server: router })
  })

  test('finds no file', () => {
    expect(whatFirmwareTakes(uefi, [lease()])).toMatchObject({ step: 'no-file' })
  })

  test('asks a proxy without option 43 on port 4011, although the DHCP server names a file', () => {
    const take = whatFirmwareTakes(uefi, [lease({ file: 'old.efi' }), proxy()])
    expect(take).toMatchObject({ step: 'ask', offers: [{ from: boot }] })
  })

  test('asks a DHCP server with option 60 before a proxy without option 43', () => {
    const take = whatFirmwareTakes(uefi, [lease({ vendorClass: 'PXEClient' }), lease(), proxy()])
    expect(take).toMatchObject({ step: 'ask', offers: [{ from: router }] })
  })

  test('takes a proxy with option 43 before a DHCP server with option 60', () => {
    const offers = [lease({ vendorClass: 'PXEClient' }), lease(), proxy({ pxe: useFile, file: 'p.efi' })]
    expect(whatFirmwareTakes(uefi, offers)).toMatchObject({ step: 'file', file: 'p.efi', server: boot })
  })

  test('ignores a proxy offer without option 60', () => {
    const take = whatFirmwareTakes(uefi, [lease(), offer(boot, '0.0.0.0', { file: 'p.efi', siaddr: boot })])
    expect(take).toMatchObject({ step: 'no-file' })
  })
})

describe('A ROM of BIOS', () => {
  test('takes the field before option 67', () => {
    const take = whatFirmwareTakes(bios, [lease({ option67: 'a.kpxe', file: 'b.kpxe', siaddr: boot })])
    expect(take).toMatchObject({ step: 'file', file: 'b.kpxe' })
  })

  test('asks the boot server if option 43.6 does not say to use the file', () => {
    const take = whatFirmwareTakes(bios, [lease(), proxy({ pxe: [6, 1, 3, 255], file: 'b.kpxe' })])
    expect(take).toMatchObject({ step: 'ask', offers: [{ from: boot }] })
  })
})

describe('UEFI HTTP Boot', () => {
  const url = 'http://192.0.2.2/a.efi'

  test('takes a URL with option 60', () => {
    const take = whatFirmwareTakes(http, [lease({ option67: url, vendorClass: 'HTTPClient', dns: router })])
    expect(take).toMatchObject({ step: 'file', file: url, dnsServers: [router] })
  })

  test('ignores a URL without option 60, and a name that is not a URL', () => {
    expect(whatFirmwareTakes(http, [lease({ option67: url })])).toMatchObject({ step: 'ignored' })
    const named = lease({ option67: 'a.efi', vendorClass: 'HTTPClient' })
    expect(whatFirmwareTakes(http, [named])).toMatchObject({ step: 'ignored' })
  })
})

describe('iPXE', () => {
  test('takes a complete proxy offer before the DHCP server', () => {
    const take = whatFirmwareTakes(ipxe, [lease({ file: 'old' }), proxy({ file: 'http://192.0.2.2/boot.ipxe' })])
    expect(take).toMatchObject({ step: 'file', file: 'http://192.0.2.2/boot.ipxe' })
  })

  test('ignores proxies if option 175.176 says so', () => {
    const offers = [lease({ file: 'mine' }, [[175, Buffer.from([176, 1, 1])]]), proxy({ file: 'theirs' }, other)]
    expect(whatFirmwareTakes(ipxe, offers)).toMatchObject({ step: 'file', file: 'mine' })
  })
})
