import { BlockList, isIP } from 'node:net'
import { describe, expect, test } from 'vitest'
import { sharerOf, subnetTest } from '../../src/lib/subnet.ts'
import { type Seeded, seeded } from '../helpers/seeded.ts'

describe('sharerOf', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::5054:ff:fe12:3456%eth0', 'fe80::5054:ff:fe12:3456'],
    ['', ''],
  ])('maps "%s" to "%s"', (address, sharer) => expect(sharerOf(address)).toBe(sharer))
})

describe('subnetTest', () => {
  test.each([
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.1.2.3/8'], '10.0.0.0', true],
    [['0.0.0.0/0'], '255.255.255.255', true],
    [['192.0.2.7/32'], '192.0.2.7', true],
    [['192.0.2.7/32'], '192.0.2.8', false],
    [['192.0.2.0/24'], '::ffff:192.0.2.7', true],
    [['192.0.2.0/24'], '192.0.2.07', false],
    [['192.0.2.0/24'], '192.0.2.256', false],
    [['192.0.2.0/24'], '192.0.2', false],
    [['0.0.0.0/0'], '1.2.3.4.5', false],
    [['0.0.0.0/0'], '1..2.3', false],
    [['0.0.0.0/0'], '', false],
    [['fd00::/8', '192.0.2.0/24'], 'fd00::1', true],
    [['fd00::/8', '192.0.2.0/24'], '192.0.2.1', true],
    [[], 'anything', true],
  ])('of %j says for "%s": %s', (subnets, address, expected) => expect(subnetTest(subnets)(address)).toBe(expected))

  test('agrees with the BlockList of Node for thousands of random subnets and addresses', () => {
    const random = seeded('subnets')
    for (let round = 0; round < 5000; round++) {
      const subnets = Array.from(
        { length: random.between(1, 3) },
        () => `${randomIpv4(random)}/${random.between(0, 32)}`,
      )
      const list = new BlockList()
      for (const subnet of subnets) list.addSubnet(subnet.split('/')[0] as string, Number(subnet.split('/')[1]))
      const address = random.pick([randomIpv4(random), `::ffff:${randomIpv4(random)}`, 'fd00::1', `${round}.0.0.1`])
      const expected = isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
      expect([subnets, address, subnetTest(subnets)(address)]).toEqual([subnets, address, expected])
    }
  })
})

function randomIpv4(random: Seeded): string {
  return Array.from({ length: 4 }, () => random.pick([0, 1, 10, 127, 128, 192, 255, random.between(0, 255)])).join('.')
}
