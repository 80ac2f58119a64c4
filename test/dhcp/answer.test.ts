import { describe, expect, test } from 'vitest'
import { messageTypes, optionCodes } from '../../src/lib/dhcp/option-codes.ts'
import { addressOption, type DhcpPacket, messageTypeOf, textOption } from '../../src/lib/dhcp/packet.ts'
import { answerTo, arrivalAt, discoverOf, fromEdk2, inform, ipxeOptions, replyTo, request } from './clients.ts'

const bootServer = arrivalAt(4011, fromEdk2)
const toBootServer = (code: number, options: [number, number[] | string][] = []) =>
  discoverOf(code, { options: [request, ...options], fields: { ciaddr: '10.99.0.157' } })
const hex = (packet: DhcpPacket, code: number) => packet.options.get(code)?.toString('hex')
const discoveryControl = '060108ff'

/** A packet as text that a person compares: fields that are not zero, then the options. */
function describePacket({ options, to, fromPort, length, ...packet }: ReturnType<typeof replyTo>): string {
  const fields = Object.entries(packet)
    .map(([name, value]) => [name, value instanceof Buffer ? value.toString('hex') : String(value)])
    .filter(([, value]) => value !== '0' && value !== '0.0.0.0' && value !== '')
  const names = new Map(Object.entries(optionCodes).map(([name, code]) => [code as number, name]))
  const lines = [...options].map(([code, value]) => {
    const text = value.toString('latin1')
    return `${code} ${names.get(code)}: ${/^[\x20-\x7e]{5,}$/.test(text) ? text : value.toString('hex')}`
  })
  const head = `from port ${fromPort} to ${to.address}:${to.port}, ${length} bytes`
  return `${[head, ...fields.map(([name, value]) => `${name}: ${value}`), ...lines].join('\n')}\n`
}

describe('the whole answer to', () => {
  const relayed = {
    options: [[optionCodes.relayAgent, [1, 4, 1, 2, 3, 4]] as [number, number[]]],
    fields: { giaddr: '10.1.0.1', hops: 1 },
  }
  test.each([
    ['bios', replyTo(discoverOf(0))],
    ['bios-4011', replyTo(toBootServer(0), {}, arrivalAt(4011, { address: '10.99.0.157', port: 68 }))],
    ['uefi-x64', replyTo(discoverOf(7))],
    ['uefi-x64-4011', replyTo(toBootServer(7), {}, bootServer)],
    ['uefi-x64-pxe10', replyTo(discoverOf(7), { mode: 'pxe10' })],
    ['uefi-x64-relayed', replyTo(discoverOf(7, relayed))],
    ['uefi-x64-http', replyTo(discoverOf(16))],
    ['ipxe', replyTo(discoverOf(7, { options: ipxeOptions }))],
  ])('%s is the golden one', (name, reply) =>
    expect(describePacket(reply)).toMatchFileSnapshot(`../golden/dhcp/${name}.txt`),
  )
})

describe('the boot file', () => {
  test.each([
    [0, 'undionly.kpxe'],
    [7, 'snponly.efi'],
    [9, 'snponly.efi'],
    [11, 'ipxe-arm64.efi'],
    [16, 'http://10.99.0.2:8080/nbp/snponly.efi'],
    [19, 'http://10.99.0.2:8080/nbp/ipxe-arm64.efi'],
  ])('for code %i in option 93 is %s', (code, file) =>
    expect(answerTo(discoverOf(code))).toMatchObject({ bootFile: file }),
  )

  test('is the chosen boot program', () => {
    expect(answerTo(discoverOf(7), { bootProgram: 'ipxe.efi' })).toMatchObject({ bootFile: 'ipxe.efi' })
    expect(answerTo(discoverOf(16), { bootProgram: 'ipxe.efi' })).toMatchObject({
      bootFile: 'http://10.99.0.2:8080/nbp/ipxe.efi',
    })
  })

  test('is the default if the chosen boot program is for other firmware', () =>
    expect(answerTo(discoverOf(0), { bootProgram: 'ipxe.efi' })).toMatchObject({ bootFile: 'undionly.kpxe' }))

  test('for iPXE is the bootstrap, on BIOS, on UEFI, and on hardware that is unknown', () => {
    for (const code of [0, 7, 11, 99])
      expect(answerTo(discoverOf(code, { options: ipxeOptions }))).toMatchObject({
        bootFile: 'http://boot.example:8080/boot.ipxe',
      })
  })

  test('is in the header and in option 67', () => {
    const reply = replyTo(discoverOf(7))
    expect([reply.file, textOption(reply, optionCodes.bootFile)]).toEqual(['snponly.efi', 'snponly.efi'])
  })

  test.each([
    [127, 127],
    [128, 0],
  ])('of %i bytes fills %i bytes of the header, and option 67', (length, inHeader) => {
    const baseUrl = `http://${'b'.repeat(length - 'http://'.length - '/boot.ipxe'.length)}`
    const reply = replyTo(discoverOf(7, { options: ipxeOptions }), { baseUrl })
    expect([reply.file.length, reply.options.get(optionCodes.bootFile)?.length]).toEqual([inHeader, length])
  })

  test('is missing, with what to add, if no program for the firmware is served', () =>
    expect(answerTo(discoverOf(27))).toEqual({
      ignored: 'no-boot-program',
      why: 'no boot program for UEFI RISC-V, 64 bits. Add one to the folder of boot programs: snponly-riscv64.efi or ipxe-riscv64.efi',
    }))

  test('is missing for PXE if TFTP is off, and not for HTTP Boot or iPXE', () => {
    const off = { servesTftp: false }
    expect(answerTo(discoverOf(7), off)).toMatchObject({ ignored: 'tftp-off' })
    expect(answerTo(discoverOf(16), off)).toMatchObject({ bootFile: 'http://10.99.0.2:8080/nbp/snponly.efi' })
    expect(answerTo(discoverOf(7, { options: ipxeOptions }), off)).toMatchObject({
      bootFile: expect.stringContaining('/boot.ipxe'),
    })
  })
})

test('option 175 gives offers to iPXE priority over the boot file of the DHCP server, and no others', () => {
  const priorityIn = (packet: DhcpPacket) => hex(replyTo(packet), optionCodes.ipxe)
  expect(priorityIn(discoverOf(7, { options: ipxeOptions }))).toMatch(/^010101/)
  expect([0, 7, 16].map((code) => priorityIn(discoverOf(code)))).toEqual([undefined, undefined, undefined])
})

describe('option 43', () => {
  const vendorOptions = (packet: DhcpPacket, changes: Parameters<typeof answerTo>[1] = {}, arrival = arrivalAt()) => {
    const answer = answerTo(packet, changes, arrival)
    return 'ignored' in answer ? answer.ignored : answer.replies.map((reply) => hex(reply, optionCodes.vendorOptions))
  }

  test('for UEFI follows the mode: none, discovery control, or one offer of each', () => {
    expect(vendorOptions(discoverOf(7))).toEqual([undefined])
    expect(vendorOptions(discoverOf(7), { mode: 'pxe10' })).toEqual([discoveryControl])
    expect(vendorOptions(discoverOf(7), { mode: 'both' })).toEqual([discoveryControl, undefined])
  })

  test('for BIOS is discovery control in every mode', () => {
    for (const mode of ['binl', 'pxe10', 'both'] as const)
      expect(vendorOptions(discoverOf(0), { mode })).toEqual([discoveryControl])
  })

  test('at port 4011 is absent for UEFI, unless the mode is pxe10', () => {
    expect(vendorOptions(toBootServer(7), {}, bootServer)).toEqual([undefined])
    expect(vendorOptions(toBootServer(7), { mode: 'both' }, bootServer)).toEqual([undefined])
    expect(vendorOptions(toBootServer(7), { mode: 'pxe10' }, bootServer)).toEqual([discoveryControl])
    expect(vendorOptions(toBootServer(0), {}, bootServer)).toEqual([discoveryControl])
  })

  test('returns the boot item that the client asked for (PXE 2.1)', () =>
    expect(
      vendorOptions(toBootServer(0, [[optionCodes.vendorOptions, [71, 4, 0, 0, 0, 0, 255]]]), {}, bootServer),
    ).toEqual(['060108470400000000ff']))

  test('is absent for iPXE and for HTTP Boot in every mode', () => {
    for (const mode of ['binl', 'pxe10', 'both'] as const) {
      expect(vendorOptions(discoverOf(0, { options: ipxeOptions }), { mode })).toEqual([undefined])
      expect(vendorOptions(discoverOf(16), { mode })).toEqual([undefined])
    }
  })
})

describe('an answer', () => {
  test('copies xid, flags, hardware address and relay of the client, and gives no address', () => {
    const fields = { xid: 0xdeadbeef, flags: 0x8000, giaddr: '10.1.0.1', hops: 3, secs: 9 }
    expect(replyTo(discoverOf(7, { fields }))).toMatchObject({
      ...{ op: 2, htype: 1, xid: 0xdeadbeef, flags: 0x8000, giaddr: '10.1.0.1', hops: 0, secs: 0 },
      ...{ yiaddr: '0.0.0.0', ciaddr: '0.0.0.0', chaddr: Buffer.from('525400123456', 'hex') },
    })
  })

  test('contains no option of a lease', () => {
    const { subnetMask, router, dnsServers, leaseTime } = optionCodes
    for (const packet of [discoverOf(0), discoverOf(7), discoverOf(16), discoverOf(7, { options: ipxeOptions })])
      for (const code of [subnetMask, router, dnsServers, leaseTime, 58, 59])
        expect(replyTo(packet).options.has(code)).toBe(false)
  })

  test('names this server in siaddr and in option 54', () => {
    const reply = replyTo(discoverOf(7), { serverAddress: '10.99.0.3' })
    expect([reply.siaddr, addressOption(reply, optionCodes.serverId)]).toEqual(['10.99.0.3', '10.99.0.3'])
  })

  test('to a DISCOVER is an OFFER; to a REQUEST and an INFORM an ACK with the address of the client', () => {
    expect(messageTypeOf(replyTo(discoverOf(7)))).toBe(messageTypes.offer)
    for (const type of [request, inform]) {
      const reply = replyTo(discoverOf(7, { options: [type], fields: { ciaddr: '10.99.0.157' } }), {}, bootServer)
      expect([messageTypeOf(reply), reply.ciaddr]).toEqual([messageTypes.ack, '10.99.0.157'])
    }
  })

  test('to a REQUEST at port 67 that names this server is an ACK', () =>
    expect(messageTypeOf(replyTo(discoverOf(7, { options: [request, [optionCodes.serverId, [10, 99, 0, 2]]] })))).toBe(
      messageTypes.ack,
    ))

  test.each([
    ['firmware', discoverOf(7), 'PXEClient'],
    ['HTTP Boot', discoverOf(16), 'HTTPClient'],
    ['iPXE', discoverOf(7, { options: ipxeOptions }), 'PXEClient'],
    ['iPXE that says HTTPClient, and takes only PXEClient', discoverOf(16, { options: ipxeOptions }), 'PXEClient'],
  ])('has in option 60 the class of %s', (_, packet, expected) =>
    expect(textOption(replyTo(packet), optionCodes.vendorClass)).toBe(expected),
  )

  test('returns option 97 of 17 bytes and type 0, and no other', () => {
    expect(hex(replyTo(discoverOf(7)), optionCodes.clientUuid)).toBe('0033221100554477668899aabbccddeeff')
    for (const bytes of [[0, 1, 2], Array(17).fill(9), Array(18).fill(0)])
      expect(
        hex(replyTo(discoverOf(7, { options: [[optionCodes.clientUuid, bytes]] })), optionCodes.clientUuid),
      ).toBeUndefined()
  })

  test('returns option 82 unchanged as its last option (RFC 3046 2.2)', () => {
    const reply = replyTo(
      discoverOf(7, { options: [[optionCodes.relayAgent, [1, 2, 0, 5]]], fields: { giaddr: '10.1.0.1' } }),
    )
    expect([...reply.options].at(-1)).toEqual([optionCodes.relayAgent, Buffer.from([1, 2, 0, 5])])
  })

  test('has option 66 only for firmware that loads by TFTP', () => {
    const has66 = [discoverOf(0), discoverOf(7), discoverOf(16), discoverOf(7, { options: ipxeOptions })].map(
      (packet) => textOption(replyTo(packet), optionCodes.tftpServerName),
    )
    expect(has66).toEqual(['10.99.0.2', '10.99.0.2', undefined, undefined])
  })

  test('has at least 300 bytes (RFC 1542 2.1)', () =>
    expect(replyTo(discoverOf(16), { addressUrl: 'http://1.2.3.4' }).length).toBeGreaterThanOrEqual(300))

  test('never trusts a size below 576, or of one byte', () => {
    for (const bytes of [[0, 100], [9]])
      expect(replyTo(discoverOf(7, { options: [[optionCodes.maxMessageSize, bytes]] })).length).toBeGreaterThanOrEqual(
        300,
      )
  })

  test('is too large with a URL over 255 bytes, which no option can hold', () =>
    expect(answerTo(discoverOf(7, { options: ipxeOptions }), { baseUrl: `http://${'b'.repeat(250)}` })).toMatchObject({
      ignored: 'too-large',
    }))
})

describe('the destination of an answer', () => {
  const to = (...args: Parameters<typeof replyTo>) => {
    const reply = replyTo(...args)
    return `${reply.fromPort} -> ${reply.to.address}:${reply.to.port}`
  }
  test('is the broadcast address for a client without an address', () =>
    expect(to(discoverOf(7))).toBe('67 -> 255.255.255.255:68'))
  test('is the relay, at port 67 (RFC 2131 4.1)', () =>
    expect(to(discoverOf(7, { fields: { giaddr: '10.1.0.1' } }))).toBe('67 -> 10.1.0.1:67'))
  test('is the relay even if the client has an address', () =>
    expect(to(discoverOf(7, { fields: { giaddr: '10.1.0.1', ciaddr: '10.1.0.9' } }))).toBe('67 -> 10.1.0.1:67'))
  test('is the address of a client that has one', () =>
    expect(to(discoverOf(7, { fields: { ciaddr: '10.99.0.9' } }))).toBe('67 -> 10.99.0.9:68'))
  test('at port 4011 is the source of the request: port 4011 for EDK2, 68 for BIOS', () => {
    expect(to(toBootServer(7), {}, bootServer)).toBe('4011 -> 10.99.0.157:4011')
    expect(to(toBootServer(0), {}, arrivalAt(4011, { address: '10.99.0.157', port: 68 }))).toBe(
      '4011 -> 10.99.0.157:68',
    )
  })
  test('at port 4011 is the broadcast address for a client without an address', () =>
    expect(to(discoverOf(7, { options: [request] }), {}, arrivalAt(4011, { address: '0.0.0.0', port: 68 }))).toBe(
      '4011 -> 255.255.255.255:68',
    ))
})
