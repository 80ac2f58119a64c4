// The address of a BMC: only those that an operator permits.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { subnetTest } from '../../lib/subnet.ts'
import { PowerError } from '../port.ts'

/** Loopback, link-local (among them the metadata services of clouds), unspecified, multicast and reserved addresses. */
const never = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8']

/** Whether Bootwright may connect to an address. @param permitted subnets; empty: any but loopback and link-local */
export function isPermitted(address: string, permitted: string[]): boolean {
  // An IPv4 address in IPv6 form (::ffff:7f00:1) is in the same subnets.
  return permitted.length > 0 ? subnetTest(permitted)(address) : !subnetTest(never)(address)
}

/**
 * Resolves the host of a URL once, so that no later answer of a name server changes the address.
 * @throws PowerError if the name has no permitted address
 */
export async function permittedAddress(hostname: string, permitted: string[]): Promise<string> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const found = isIP(host) === 0 ? await lookup(host, { all: true, verbatim: true }) : [{ address: host }]
  const address = found.map((each) => each.address).find((each) => isPermitted(each, permitted))
  if (address !== undefined) return address
  throw new PowerError(
    `${host}: Bootwright connects to no BMC at ${found.map((each) => each.address).join(', ')}. ` +
      'Next step: add its subnet to BOOTWRIGHT_BMC_SUBNETS',
  )
}
