// Listens to the DHCP packets of a network, and sends nothing.
import { openDeviceSocket } from '../../lib/dhcp/device-socket.ts'
import { dhcpPorts } from '../../lib/dhcp/option-codes.ts'
import { parseDhcp } from '../../lib/dhcp/packet.ts'
import type { Logger } from '../../lib/log.ts'
import type { Heard } from './explain.ts'

/** Maximum number of kept packets. A busy network has a few a second. */
const maxHeard = 10_000

/**
 * Listens on ports 67 and 68 until the signal aborts. Requests come by broadcast to 67, and answers by broadcast to 68. A
 * packet that arrives at both ports is reported once.
 * @throws the error of openDeviceSocket
 */
export async function listenPassively(
  device: string,
  signal: AbortSignal,
  report: (heard: Heard) => void,
  log: Logger,
): Promise<Heard[]> {
  const heard: Heard[] = []
  const sockets = []
  try {
    for (const port of [dhcpPorts.server, dhcpPorts.client]) {
      const socket = await openDeviceSocket({ device, port, log })
      sockets.push(socket)
      socket.on('message', (bytes, { address: from }) => {
        const packet = parseDhcp(bytes)
        if (packet === undefined || heard.length >= maxHeard) return
        const item = { at: new Date(), from, port, packet }
        heard.push(item)
        report(item)
      })
    }
    await new Promise<void>((resolve) => {
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return heard
  } finally {
    for (const socket of sockets) socket.close()
  }
}
