import { describe, expect, test } from 'vitest'
import { recognizeClient } from '../../src/dhcp/client.ts'
import { optionCodes } from '../../src/lib/dhcp/option-codes.ts'
import { arrivalAt, discoverOf, fromEdk2, inform, ipxeOptions, request } from './clients.ts'

const recognized = (...args: Parameters<typeof recognizeClient>) => {
  const client = recognizeClient(...args)
  return 'ignored' in client ? client.ignored : `${client.kind} ${client.code}`
}
const raspberry = (prefix: string) => ({
  fields: { chaddr: Buffer.from(`${prefix.replaceAll(':', '')}123456`, 'hex') },
})
const { vendorClass, clientArch, clientUuid, clientInterface, userClass, serverId, relayAgent } = optionCodes

describe('a packet at port 67', () => {
  test.each([
    ['a DISCOVER of BIOS', discoverOf(0), 'pxe 0'],
    ['a DISCOVER of UEFI x86-64', discoverOf(7), 'pxe 7'],
    ['a DISCOVER of UEFI arm64', discoverOf(11), 'pxe 11'],
    ['a DISCOVER of UEFI HTTP Boot', discoverOf(16), 'http 16'],
    ['a DISCOVER without option 94 (not required)', discoverOf(7, { without: [clientInterface] }), 'pxe 7'],
    ['a DISCOVER without option 97', discoverOf(7, { without: [clientUuid] }), 'pxe 7'],
    ['a DISCOVER with an option 97 of 5 bytes', discoverOf(7, { options: [[clientUuid, [0, 1, 2, 3, 4]]] }), 'pxe 7'],
    [
      'a DISCOVER without option 93: option 60 names the architecture',
      discoverOf(9, { without: [clientArch] }),
      'pxe 9',
    ],
    [
      'a DISCOVER with several architectures: the first that is known (RFC 4578 2.1)',
      discoverOf(7, { options: [[clientArch, [0, 99, 0, 11, 0, 7]]] }),
      'pxe 11',
    ],
    [
      'a DISCOVER of InfiniBand, without a hardware address (RFC 4390)',
      discoverOf(7, { fields: { htype: 32, chaddr: Buffer.alloc(0) } }),
      'pxe 7',
    ],
    ['a REQUEST that names this server', discoverOf(7, { options: [request, [serverId, [10, 99, 0, 2]]] }), 'pxe 7'],

    ['iPXE on BIOS', discoverOf(0, { options: ipxeOptions }), 'ipxe 0'],
    ['iPXE that HTTP Boot loaded: still PXEClient, code 7', discoverOf(7, { options: ipxeOptions }), 'ipxe 7'],
    ['iPXE by option 77 alone', discoverOf(7, { options: [[userClass, 'iPXE']] }), 'ipxe 7'],
    ['iPXE by option 77 in the form of RFC 3004', discoverOf(7, { options: [[userClass, '\x04iPXE']] }), 'ipxe 7'],
    [
      'iPXE by option 175 alone, with another user class',
      discoverOf(0, { options: [...ipxeOptions, [userClass, 'LabROM']] }),
      'ipxe 0',
    ],
    ['another user class', discoverOf(0, { options: [[userClass, 'iPXElinux']] }), 'pxe 0'],
    ['iPXE on hardware that is unknown', discoverOf(99, { options: ipxeOptions }), 'ipxe 99'],

    ['a message of a DHCP server', discoverOf(7, { fields: { op: 2 } }), 'not-from-client'],
    [
      'a REQUEST to another DHCP server',
      discoverOf(7, { options: [request, [serverId, [10, 99, 0, 1]]] }),
      'other-server',
    ],
    ['a REQUEST to any DHCP server', discoverOf(7, { options: [request] }), 'other-server'],
    ['an INFORM', discoverOf(7, { options: [inform] }), 'other-message'],
    ['a RELEASE', discoverOf(7, { options: [[optionCodes.messageType, [7]]] }), 'other-message'],
    ['BOOTP', discoverOf(7, { without: [optionCodes.messageType] }), 'other-message'],
    ['a DISCOVER without option 60', discoverOf(7, { without: [vendorClass] }), 'not-network-boot'],
    ['a DISCOVER of another vendor class', discoverOf(7, { options: [[vendorClass, 'MSFT 5.0']] }), 'not-network-boot'],
    [
      'a DISCOVER whose vendor class only contains PXEClient',
      discoverOf(7, { options: [[vendorClass, 'my PXEClient']] }),
      'not-network-boot',
    ],
    ['Apple NetBoot', discoverOf(7, { options: [[vendorClass, 'AAPLBSDPC/i386/MacBookPro11,1']] }), 'apple'],
    [
      'a hardware address of a group',
      discoverOf(7, { fields: { chaddr: Buffer.from('01005e000001', 'hex') } }),
      'bad-mac',
    ],
    ['a hardware address of zeros', discoverOf(7, { fields: { chaddr: Buffer.alloc(6) } }), 'bad-mac'],
    ['a relay at the broadcast address', discoverOf(7, { fields: { giaddr: '255.255.255.255' } }), 'bad-address'],
    ['a relay at the loopback address', discoverOf(7, { fields: { giaddr: '127.0.0.1' } }), 'bad-address'],
    ['a client at an address of another subnet', discoverOf(7, { fields: { ciaddr: '198.51.100.7' } }), 'bad-address'],
    ['a client at a multicast address', discoverOf(7, { fields: { ciaddr: '224.0.0.1' } }), 'bad-address'],
    ['firmware of an unknown kind', discoverOf(99), 'unknown-arch'],
    [
      'no architecture at all',
      discoverOf(7, { without: [clientArch], options: [[vendorClass, 'PXEClient']] }),
      'no-arch',
    ],
  ])('is recognized: %s', (_, packet, expected) => expect(recognized(packet, arrivalAt())).toBe(expected))

  test.each(['b8:27:eb', 'dc:a6:32', 'e4:5f:01', '28:cd:c1', 'd8:3a:dd', '2c:cf:67'])(
    'of a Raspberry Pi (%s) is ignored in its boot ROM, and answered once UEFI firmware runs on it',
    (prefix) => {
      expect(recognized(discoverOf(0, raspberry(prefix)), arrivalAt())).toBe('raspberry-pi')
      expect(recognized(discoverOf(41, raspberry(prefix)), arrivalAt())).toBe('raspberry-pi')
      expect(recognized(discoverOf(11, raspberry(prefix)), arrivalAt())).toBe('pxe 11')
      expect(recognized(discoverOf(11, { ...raspberry(prefix), options: ipxeOptions }), arrivalAt())).toBe('ipxe 11')
    },
  )

  test('of any vendor with code 41 is the boot ROM of a Raspberry Pi', () =>
    expect(recognized(discoverOf(41), arrivalAt())).toBe('raspberry-pi'))

  test('of BIOS and of a relay with option 82 is recognized', () =>
    expect(
      recognized(discoverOf(0, { options: [[relayAgent, [1, 2, 0, 5]]], fields: { giaddr: '10.1.0.1' } }), arrivalAt()),
    ).toBe('pxe 0'))

  test('shows the MAC and the UUID of the client', () =>
    expect(recognizeClient(discoverOf(7), arrivalAt())).toMatchObject({
      mac: '52:54:00:12:34:56',
      uuid: '33221100-5544-7766-8899-aabbccddeeff',
    }))

  test('shows no UUID if option 97 is not of type 0', () =>
    expect(recognizeClient(discoverOf(7, { options: [[clientUuid, Array(17).fill(1)]] }), arrivalAt())).toMatchObject({
      uuid: undefined,
    }))
})

describe('a packet at port 4011', () => {
  const atBootServer = arrivalAt(4011, fromEdk2)
  test.each([
    ['a REQUEST of UEFI', discoverOf(7, { options: [request] }), 'pxe 7'],
    ['an INFORM of BIOS', discoverOf(0, { options: [inform] }), 'pxe 0'],
    ['a REQUEST that names another server', discoverOf(7, { options: [request, [serverId, [10, 99, 0, 1]]] }), 'pxe 7'],
    ['a REQUEST of iPXE', discoverOf(7, { options: [...ipxeOptions, request] }), 'ipxe 7'],
    ['a DISCOVER', discoverOf(7), 'other-message'],
    [
      'a REQUEST of an ordinary client',
      discoverOf(7, { options: [request], without: [vendorClass] }),
      'not-network-boot',
    ],
  ])('is recognized: %s', (_, packet, expected) => expect(recognized(packet, atBootServer)).toBe(expected))
})
