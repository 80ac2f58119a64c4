// Sends hostile packets to the ports of firmware until it is stopped, for the lab: noise.ts SEED ADDRESS
import { createSocket } from 'node:dgram'
import { dhcpPorts } from '../../src/lib/dhcp/option-codes.ts'

const [seed = '0', address = ''] = process.argv.slice(2)
console.log(`hostile packets: SOAK_SEED=${seed}`)
let state = Number(seed) >>> 0

/** A whole number, both ends included, of a linear congruential generator (Numerical Recipes, 2nd edition, 7.1). */
function between(min: number, max: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return min + Math.floor((state / 2 ** 32) * (max - min + 1))
}
const pick = <T>(list: readonly T[]) => list[between(0, list.length - 1)] as T
const byte = () => between(0, 255)
const everybody = '255.255.255.255'
const ports = [dhcpPorts.server, dhcpPorts.bootServer, 69]

/** A message that begins like one of firmware, with a few random bytes in it, cut at a random place. */
function almostDhcp(): Buffer {
  const packet = Buffer.alloc(660)
  packet.set([1, 1, 6, 0])
  packet.set([2, byte(), byte(), byte(), byte(), byte()], 28)
  // The cookie (RFC 2131, figure 1), a message type, and option 60.
  packet.set([99, 130, 83, 99, 53, 1, between(1, 8), 60, 9, ...Buffer.from('PXEClient')], 236)
  for (let changes = between(0, 300); changes > 0; changes--) packet[between(0, 659)] = byte()
  return packet.subarray(0, between(0, packet.length))
}

/** A request that begins like one of RFC 1350, with random names and options. */
function almostTftp(): Buffer {
  const words = [
    'snponly.efi',
    'octet',
    'blksize',
    '1468',
    'tsize',
    '0',
    'windowsize',
    '-1',
    '../../etc/passwd',
    'é',
    '',
  ]
  const count = between(0, 12)
  const text = Array.from({ length: count }, () => pick(words)).join('\0')
  return Buffer.concat([Buffer.from([0, between(0, 6)]), Buffer.from(`${text}\0`)])
}

const socket = createSocket('udp4')
let sent = 0
function send(): void {
  for (let count = 0; count < 10; count++) {
    const port = pick(ports)
    const isTftp = port === 69
    socket.send(isTftp ? almostTftp() : almostDhcp(), port, isTftp ? address : pick([address, everybody]))
  }
  sent += 10
  if (sent % 1000 === 0) console.log(`sent ${sent}`)
}
socket.bind(0, () => {
  socket.setBroadcast(true)
  setInterval(send, 5)
})
