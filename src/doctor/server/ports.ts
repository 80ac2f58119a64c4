// Other programs on the UDP ports of Bootwright.
import { dhcpPorts } from '../../lib/dhcp/option-codes.ts'
import { findForeignSockets } from '../../lib/net/udp-sockets.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

const check = 'UDP ports'

export async function checkPorts({ tftp, proxyDhcp }: ServerContext): Promise<Finding[]> {
  const findings: Finding[] = []
  if (tftp.configured !== undefined && tftp.listening === undefined) {
    const where = `UDP port ${tftp.configured.port}`
    findings.push(fault({ check: 'TFTP', where }, 'BW-TFTP-CLOSED', 'TFTP could not listen at its port'))
  }
  const subject = { check, where: 'this server' }
  const used = [
    ...(tftp.configured === undefined ? [] : [tftp.configured.port]),
    ...(proxyDhcp.length > 0 ? [dhcpPorts.server, dhcpPorts.bootServer] : []),
  ]
  const foreign = await findForeignSockets(used)
  if (foreign === undefined)
    return [...findings, fault(subject, 'BW-CHECK', '/proc/net/udp cannot be read', { state: 'unknown' })]
  for (const { address, port, program } of foreign) {
    const seen = `${program} listens at ${address}:${port}`
    findings.push(
      fault({ check, where: `UDP port ${port}` }, 'BW-PORT-TAKEN', seen, {
        // Broadcasts reach both programs, and unicasts only one.
        state: port === dhcpPorts.server ? 'warning' : 'error',
      }),
    )
  }
  if (findings.length > 0) return findings
  return [pass(subject, used.length === 0 ? 'TFTP and proxyDHCP are off' : `only Bootwright has ${used.join(', ')}`)]
}
