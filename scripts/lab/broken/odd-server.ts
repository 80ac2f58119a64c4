// A DHCP server that breaks rules as the network says, for the lab: odd-server.ts DEVICE ADDRESS BEHAVIOUR
import { spawnSync } from 'node:child_process'
import pino from 'pino'
import { openDeviceSocket, sendDatagram } from '../../../src/lib/dhcp/device-socket.ts'
import { dhcpPorts, messageTypes, optionCodes } from '../../../src/lib/dhcp/option-codes.ts'
import { addressBytes, type DhcpPacket, formatDhcp, messageTypeOf, parseDhcp } from '../../../src/lib/dhcp/packet.ts'
import type { OddBehaviour } from './network.ts'

const [device = '', address = '', text = '{}'] = process.argv.slice(2)
const behaviour = JSON.parse(text) as OddBehaviour
const log = pino({ level: 'silent' })
const { yiaddr = '0.0.0.0', siaddr = '0.0.0.0', file = '' } = behaviour

function answer(asked: DhcpPacket, type: number): DhcpPacket {
  const options = new Map<number, Buffer>([[optionCodes.messageType, Buffer.from([type])]])
  if (!behaviour.hidesServerId) options.set(optionCodes.serverId, addressBytes(address))
  if (behaviour.yiaddr !== undefined) {
    options.set(optionCodes.leaseTime, Buffer.from([0, 0, 2, 88]))
    options.set(optionCodes.subnetMask, addressBytes('255.255.255.0'))
  }
  for (const [code, hex] of Object.entries(behaviour.options ?? {})) options.set(Number(code), Buffer.from(hex, 'hex'))
  return { ...asked, op: 2, yiaddr, siaddr, file, sname: '', options }
}

function sendTo(asked: DhcpPacket): string {
  if (!behaviour.ignoresBroadcastFlag) return '255.255.255.255'
  // The client does not answer ARP before it has the address.
  const mac = asked.chaddr.toString('hex').replace(/..(?!$)/g, '$&:')
  spawnSync('ip', ['neighbour', 'replace', yiaddr, 'lladdr', mac, 'dev', device])
  return yiaddr
}

const socket = await openDeviceSocket({ device, port: dhcpPorts.server, log })
socket.setBroadcast(true)
socket.on('message', (bytes) => {
  const asked = parseDhcp(bytes)
  if (asked?.op !== 1) return
  const type = messageTypeOf(asked)
  const isForUs = asked.options.get(optionCodes.serverId)?.equals(addressBytes(address)) ?? true
  if (type === messageTypes.request && (!isForUs || behaviour.yiaddr === undefined)) return
  if (type !== messageTypes.discover && type !== messageTypes.request) return
  const reply = answer(asked, type === messageTypes.discover ? messageTypes.offer : messageTypes.ack)
  sendDatagram(socket, formatDhcp(reply), { address: sendTo(asked), port: dhcpPorts.client }, log)
})

if (behaviour.answers4011) {
  const bootServer = await openDeviceSocket({ device, port: dhcpPorts.bootServer, log })
  bootServer.on('message', (bytes, peer) => {
    const asked = parseDhcp(bytes)
    if (asked?.op === 1) sendDatagram(bootServer, formatDhcp(answer(asked, messageTypes.ack)), peer, log)
  })
}
process.on('SIGTERM', () => process.exit(0))
console.log('the odd server is ready')
