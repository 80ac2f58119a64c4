import { describe, expect, test } from 'vitest'
import { sharerOf } from '../../src/lib/subnet.ts'

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
