// All broken networks of the lab, by name.
import { dhcpNetworks } from './dhcp-networks.ts'
import { fileNetworks } from './file-networks.ts'
import type { BrokenNetwork } from './network.ts'
import { serverNetworks } from './server-networks.ts'
import { type Broken, openSite, type Site } from './site.ts'

/** The networks by theme. */
export const networkThemes = { dhcp: dhcpNetworks, files: fileNetworks, server: serverNetworks }
export const brokenNetworks: readonly BrokenNetwork[] = Object.values(networkThemes).flat()

/** A network without faults, to compare. */
export const healthyNetwork: Omit<BrokenNetwork, 'finding'> = { name: 'healthy', broken: 'nothing is broken' }

/** Opens one broken network with a site of its own. @throws Error for an unknown name */
export async function openBrokenNetwork(name: string): Promise<Broken & { site: Site }> {
  const network = brokenNetworks.find((candidate) => candidate.name === name)
  if (network === undefined)
    throw new Error(`Expected one of ${brokenNetworks.map((known) => known.name).join(', ')}, got "${name}".`)
  const site = await openSite()
  try {
    const broken = await site.open(network)
    const close = async () => {
      await broken.close()
      await site.close()
    }
    return { ...broken, site, close }
  } catch (error) {
    await site.close()
    throw error
  }
}
