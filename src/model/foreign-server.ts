// DHCP and boot servers on the network that are not this server.

/** `dhcp`: it gives addresses. `boot`: it names or serves boot programs, for example as a proxyDHCP server. */
export const foreignServerRoles = ['dhcp', 'boot'] as const
export type ForeignServerRole = (typeof foreignServerRoles)[number]

/**
 * How the server was noticed. `request`: a machine accepted its offer, and so named it in option 54 of its REQUEST (RFC 2132,
 * 9.7). `offer`, `ack`: its own packet was received. `tftp`: it sent a boot program.
 */
export const foreignServerEvidences = ['request', 'offer', 'ack', 'tftp'] as const
export type ForeignServerEvidence = (typeof foreignServerEvidences)[number]

/** A sighting of a server. Texts come from the network: they are shortened and cleaned when they are stored. */
export type ServerSighting = {
  /** Its IPv4 address: option 54, or the source of its packet. */
  address: string
  role: ForeignServerRole
  evidence: ForeignServerEvidence
  /** The network interface on which it was seen. */
  interface?: string | undefined
  /** Its MAC, if the packet showed it. */
  mac?: string | undefined
  /** Its software or vendor, if it said so. */
  vendor?: string | undefined
  /** The boot file that it named. */
  file?: string | undefined
  /** The MAC of the machine that it answered. */
  client?: string | undefined
}

/** A server on the standing list. `count` counts its sightings. */
export type ForeignServer = {
  id: string
  address: string
  role: ForeignServerRole
  interface: string
  evidence: ForeignServerEvidence
  mac: string | null
  vendor: string | null
  file: string | null
  client: string | null
  count: number
  firstSeenAt: Date
  lastSeenAt: Date
  /** Absent until an operator acknowledges the server. */
  acknowledgedAt: Date | null
  acknowledgedBy: string | null
  note: string | null
}
