// All broken networks of the lab, by name.
import { dhcpNetworks } from './dhcp-networks.ts'
import { fileNetworks } from './file-networks.ts'
import type { BrokenNetwork } from './network.ts'
import { serverNetworks } from './server-networks.ts'

/** The networks by theme. */
export const networkThemes = { dhcp: dhcpNetworks, files: fileNetworks, server: serverNetworks }
export const brokenNetworks: readonly BrokenNetwork[] = Object.values(networkThemes).flat()

/** A network without faults, to compare. */
export const healthyNetwork: Omit<BrokenNetwork, 'finding'> = { name: 'healthy', broken: 'nothing is broken' }
