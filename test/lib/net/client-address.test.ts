import { expect, test } from 'vitest'
import { clientAddressOf } from '../../../src/lib/net/client-address.ts'
import { asSubnet, proxyTest } from '../../../src/lib/subnet.ts'

const isTrusted = proxyTest(['10.1.0.0/24', asSubnet('fd00::1')])

test.each([
  ['no header', {}, '10.1.0.9'],
  ['the one client', { 'x-forwarded-for': '192.0.2.7' }, '192.0.2.7'],
  ['a client that sent a header itself', { 'x-forwarded-for': '198.51.100.1, 192.0.2.7' }, '192.0.2.7'],
  ['two proxies of ours', { 'x-forwarded-for': '198.51.100.1, 192.0.2.7, 10.1.0.4' }, '192.0.2.7'],
  ['proxies of ours alone', { 'x-forwarded-for': '10.1.0.7, 10.1.0.4' }, '10.1.0.7'],
  ['a port', { 'x-forwarded-for': '192.0.2.7:51000' }, '192.0.2.7'],
  ['IPv4 in IPv6', { 'x-forwarded-for': '::ffff:192.0.2.7' }, '192.0.2.7'],
  ['Forwarded', { forwarded: 'for=192.0.2.7;proto=http;by=10.1.0.9' }, '192.0.2.7'],
  ['Forwarded of IPv6', { forwarded: 'for=198.51.100.1, For="[2001:DB8::7]:4711"' }, '2001:db8::7'],
  ['both, in agreement', { forwarded: 'for=192.0.2.7', 'x-forwarded-for': '192.0.2.7' }, '192.0.2.7'],
  ['both, one of them forged', { forwarded: 'for=10.9.9.9', 'x-forwarded-for': '192.0.2.7' }, '10.1.0.9'],
  ['a hidden client', { forwarded: 'for=192.0.2.7, for=_hidden' }, '10.1.0.9'],
  ['no address', { 'x-forwarded-for': '192.0.2.7, unknown' }, '10.1.0.9'],
  ['nothing in it', { 'x-forwarded-for': '', forwarded: ';;,' }, '10.1.0.9'],
])('behind a trusted proxy, with %s', (_, headers, expected) =>
  expect(clientAddressOf('10.1.0.9', headers, isTrusted)).toBe(expected),
)

test('headers of other clients are ignored', () => {
  const headers = { forwarded: 'for=10.9.9.9', 'x-forwarded-for': '10.9.9.9' }
  expect(clientAddressOf('192.0.2.1', headers, isTrusted)).toBe('192.0.2.1')
  expect(clientAddressOf('10.1.0.9', headers, proxyTest([]))).toBe('10.1.0.9')
  expect(clientAddressOf('fd00::1', headers, isTrusted)).toBe('10.9.9.9')
})
