// Wake-on-LAN: magic packets on the networks of this computer.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { messageOf } from '../../lib/errors.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import { listAddresses, type OwnAddress } from '../../lib/net/own-addresses.ts'
import { PowerError, type PowerPort } from '../port.ts'
import { magicPacket } from './magic-packet.ts'
import { type WakeNetwork, wakeNetworks } from './networks.ts'

/** The discard port, to which magic packets are usually sent. A network card looks at the payload only. */
const discardPort = 9
/** A packet may be lost, and nothing answers it. */
const packets = 3

/** The machine to wake. */
export type WakeTarget = {
  macs: Mac[]
  lastIp?: string | undefined
  /** The addresses of this computer; by default those that it has. */
  own?: OwnAddress[] | undefined
}

/** Opens Wake-on-LAN for a machine. Nothing confirms a magic packet: the next boot of the machine does. */
export function openWake({ macs, lastIp, own }: WakeTarget): PowerPort {
  return {
    on: async () => {
      const networks = wakeNetworks(own ?? listAddresses(), lastIp)
      if (macs.length === 0) throw new PowerError('Wake-on-LAN needs a MAC address, and the machine has none')
      if (networks.length === 0) throw new PowerError('this server has no network with a broadcast address')
      const sent = await Promise.all(networks.map((network) => wakeOn(network, macs)))
      const reached = sent.filter(({ fault }) => fault === undefined)
      const faults = sent.flatMap(({ fault, device }) => (fault === undefined ? [] : [`${device}: ${fault}`]))
      if (reached.length === 0) throw new PowerError(`no magic packet was sent. ${faults.join('; ')}`)
      const where = reached.map(({ device, broadcast }) => `${device} (${broadcast})`).join(', ')
      const failed = faults.length === 0 ? '' : `; not sent on ${faults.join('; ')}`
      return { message: `magic packets sent for ${macs.join(', ')} on ${where}${failed}. Nothing confirms them` }
    },
    close: async () => {},
  }
}

async function wakeOn(network: WakeNetwork, macs: Mac[]): Promise<WakeNetwork & { fault?: string }> {
  const socket = createSocket('udp4')
  try {
    // The address of the interface decides by which interface the packets leave.
    socket.bind({ address: network.address, port: 0 })
    await once(socket, 'listening')
    socket.setBroadcast(true)
    for (let count = 0; count < packets; count++)
      for (const mac of macs) await send(socket, magicPacket(mac), network.broadcast)
    return network
  } catch (error) {
    return { ...network, fault: messageOf(error) }
  } finally {
    socket.close()
  }
}

function send(socket: ReturnType<typeof createSocket>, packet: Buffer, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(packet, discardPort, address, (error) => (error === null ? resolve() : reject(error)))
  })
}
