import { describe, expect, test } from 'vitest'
import { clientAddressOf, ownAddressFor } from '../../src/dhcp/addresses.ts'
import { type AdmissionSettings, createAdmission, createSubnetModes } from '../../src/dhcp/admission.ts'
import { createRecent } from '../../src/dhcp/recent.ts'
import { acceptedLeaseOf, sightingOf } from '../../src/dhcp/sightings.ts'
import { optionCodes } from '../../src/lib/dhcp/option-codes.ts'
import { optionsOf } from '../lib/dhcp/packets.ts'
import { arrivalAt, clientOf, discoverOf, fromEdk2, request } from './clients.ts'

const open: AdmissionSettings = { subnets: [], deniedSubnets: [], macs: [], deniedMacs: [], watchOnly: false }
const { serverId, requestedAddress, vendorClass, bootFile, messageType } = optionCodes

describe('the settings of who gets an answer', () => {
  const admitted = (settings: Partial<AdmissionSettings>, network = '10.99.0.2', packet = discoverOf(7)) =>
    createAdmission({ ...open, ...settings })(clientOf(packet), network)?.ignored

  test.each([
    ['no settings', {}, undefined],
    ['its subnet', { subnets: ['10.99.0.0/24'] }, undefined],
    ['another subnet', { subnets: ['10.98.0.0/24'] }, 'subnet'],
    ['its subnet, denied', { deniedSubnets: ['10.99.0.0/24'] }, 'subnet'],
    ['its subnet, denied within a larger one', { subnets: ['10.0.0.0/8'], deniedSubnets: ['10.99.0.0/24'] }, 'subnet'],
    ['its MAC', { macs: ['52:54:00:12:34:56'] }, undefined],
    ['the beginning of its MAC', { macs: ['52:54:00'] }, undefined],
    ['another MAC', { macs: ['52:54:01'] }, 'mac'],
    ['its MAC, denied', { deniedMacs: ['52:54:00:12:34:56'] }, 'mac'],
    ['the beginning of its MAC, denied', { deniedMacs: ['52'] }, 'mac'],
    ['only watching', { watchOnly: true }, 'watch-only'],
  ])('with %s', (_, settings, expected) => expect(admitted(settings)).toBe(expected))

  test('ignore a client without a MAC if they name MACs', () => {
    const infiniband = discoverOf(7, { fields: { htype: 32, chaddr: Buffer.alloc(0) } })
    expect([admitted({ macs: ['52'] }, '10.99.0.2', infiniband), admitted({}, '10.99.0.2', infiniband)]).toEqual([
      'mac',
      undefined,
    ])
  })

  test('say which setting is the reason', () =>
    expect(createAdmission({ ...open, subnets: ['10.98.0.0/24'] })(clientOf(discoverOf(7)), '10.99.0.2')?.why).toBe(
      'BOOTWRIGHT_PROXY_SUBNETS does not contain 10.99.0.2',
    ))
})

test('the mode of a client is that of the smallest subnet around it, else the default', () => {
  const modeFor = createSubnetModes(
    [
      { subnet: '10.0.0.0/8', mode: 'pxe10' },
      { subnet: '10.99.0.0/24', mode: 'both' },
    ],
    'binl',
  )
  expect(['10.99.0.7', '10.1.0.1', '192.168.1.1'].map(modeFor)).toEqual(['both', 'pxe10', 'binl'])
})

describe('the address of a client', () => {
  const address = (fields: Parameters<typeof discoverOf>[1], ...arrival: Parameters<typeof arrivalAt>) =>
    clientAddressOf(clientOf(discoverOf(7, fields), arrivalAt(...arrival)))
  test('is that of its relay', () =>
    expect(address({ fields: { giaddr: '10.1.0.1', ciaddr: '10.1.0.9' } })).toBe('10.1.0.1'))
  test('is its own', () => expect(address({ fields: { ciaddr: '10.99.0.9' } })).toBe('10.99.0.9'))
  test('is the source of a request at port 4011', () =>
    expect(address({ options: [request] }, 4011, fromEdk2)).toBe('10.99.0.157'))
  test('is unknown in a first DISCOVER', () => expect(address({})).toBeUndefined())
})

describe("this server's address for a client", () => {
  const own = [
    { address: '169.254.3.4', subnet: '169.254.3.4/16' },
    { address: '10.99.0.2', subnet: '10.99.0.2/24' },
    { address: '10.1.0.2', subnet: '10.1.0.2/16' },
  ]
  test.each([
    ['10.1.0.1', '10.1.0.2'],
    ['10.99.0.157', '10.99.0.2'],
    ['172.16.0.1', '10.99.0.2'],
    ['169.254.9.9', '169.254.3.4'],
    [undefined, '10.99.0.2'],
  ])('at %s is %s', (client, expected) => expect(ownAddressFor(client, own)).toBe(expected))
  test('is a link-local one if there is no other', () =>
    expect(ownAddressFor(undefined, own.slice(0, 1))).toBe('169.254.3.4'))
  test('is unknown while the interface has none', () => expect(ownAddressFor('10.1.0.1', [])).toBeUndefined())
})

describe('the limit of answers', () => {
  test('admits a key once in each period, and other keys meanwhile', () => {
    let now = 0
    const admit = createRecent(1000, () => now)
    expect([admit('a'), admit('a'), admit('b')]).toEqual([true, false, true])
    now = 999
    expect(admit('a')).toBe(false)
    now = 1000
    expect(admit('a')).toBe(true)
  })

  test('keeps a bounded table under a flood of keys', () => {
    const admit = createRecent(1000, () => 0)
    for (let key = 0; key < 50_000; key++) admit(String(key))
    expect([admit('49999'), admit('0')]).toEqual([false, true])
  })
})

describe('another server', () => {
  const own = ['10.99.0.2']
  const offer = (options: Parameters<typeof optionsOf>[0], fields = {}) => ({
    ...discoverOf(7),
    op: 2,
    yiaddr: '10.99.0.157',
    options: optionsOf([[messageType, [2]], [serverId, [10, 99, 0, 1]], ...options]),
    ...fields,
  })
  const seen = { address: '10.99.0.1', interface: 'eth0', client: '52:54:00:12:34:56' }

  test('is seen in a REQUEST that accepts its offer', () => {
    const packet = discoverOf(7, { options: [request, [serverId, [10, 99, 0, 1]]], without: [vendorClass] })
    expect(sightingOf(packet, 'eth0', own)).toEqual({ ...seen, role: 'dhcp', evidence: 'request' })
  })
  test('is seen in its OFFER, with its boot file', () =>
    expect(sightingOf(offer([[bootFile, 'pxelinux.0']]), 'eth0', own)).toEqual({
      ...seen,
      role: 'dhcp',
      evidence: 'offer',
      file: 'pxelinux.0',
    }))
  test('is seen in its OFFER, with the boot file of the header', () =>
    expect(sightingOf(offer([], { file: 'a.efi' }), 'eth0', own)).toMatchObject({ file: 'a.efi' }))
  test('is seen as a boot server in an OFFER without an address', () =>
    expect(sightingOf(offer([[vendorClass, 'PXEClient']], { yiaddr: '0.0.0.0' }), 'eth0', own)).toMatchObject({
      role: 'boot',
    }))
  test('is seen as a DHCP server in an ACK to an INFORM, which has no address either', () =>
    expect(sightingOf(offer([[messageType, [5]]], { yiaddr: '0.0.0.0' }), 'eth0', own)).toMatchObject({
      role: 'dhcp',
      evidence: 'ack',
    }))
  test.each([
    ['a packet of this server', offer([[serverId, [10, 99, 0, 2]]])],
    ['a DISCOVER', discoverOf(7, { options: [[serverId, [10, 99, 0, 1]]] })],
    ['a REQUEST without option 54', discoverOf(7, { options: [request] })],
    ['a refusal (NAK)', offer([[messageType, [6]]])],
  ])('is not seen in %s', (_, packet) => expect(sightingOf(packet, 'eth0', own)).toBeUndefined())
})

describe('the lease that a client accepts', () => {
  const accept = [request, [serverId, [10, 99, 0, 1]], [requestedAddress, [10, 99, 0, 157]]] as [number, number[]][]
  test('ties its MAC to its address', () =>
    expect(acceptedLeaseOf(discoverOf(7, { options: accept }))).toEqual({
      mac: '52:54:00:12:34:56',
      address: '10.99.0.157',
      server: '10.99.0.1',
    }))
  test.each([
    ['an ordinary client', discoverOf(7, { options: accept, without: [vendorClass] })],
    ['a DISCOVER', discoverOf(7)],
    ['a request without an address', discoverOf(7, { options: [request, [serverId, [10, 99, 0, 1]]] })],
  ])('is not recorded for %s', (_, packet) => expect(acceptedLeaseOf(packet)).toBeUndefined())
})
