// The facts of a site for DHCP configurations, from live settings and the inventory. Called by the API.
import { isIPv4 } from 'node:net'
import type { Db } from '../db/open.ts'
import { loadCatalog } from '../inventory/boots/catalog.ts'
import { creationOrder, cursorOf, searchMachines } from '../inventory/machines/list.ts'
import { baseUrlAt } from '../lib/base-url.ts'
import { InputError } from '../lib/errors.ts'
import { targetOf } from '../model/facts.ts'
import type { PresentNbp } from '../model/firmware/nbp.ts'
import type { SiteFacts } from '../render/dhcp/site.ts'
import { matchingGroups } from './group-match.ts'

/** Where machines reach this server. */
export type ServerNetwork = {
  /** BOOTWRIGHT_BASE_URL */
  baseUrl: string | undefined
  /** The address and port that boot HTTP listens on. */
  boot: { address: string; port: number }
  /** Undefined if TFTP is off. */
  tftpPort: number | undefined
  /** The IPv4 addresses of this computer besides loopback, the likeliest first. */
  ownAddresses: () => string[]
}

type Deps = { db: Db; nbps: ReadonlyMap<string, PresentNbp>; network: ServerNetwork }

const pageSize = 1000
const maxMachines = 250_000
const maxChoices = 1000

/**
 * What DHCP configurations need to know. The address is the given one, else that of the base URL, else that of boot HTTP, else the
 * first of this computer. The base URL is that of the settings, else it has the address.
 * @throws InputError if no address can be found
 */
export async function describeSite({ db, nbps, network }: Deps, address?: string): Promise<SiteFacts> {
  const chosen = address ?? addressOf(network)
  const [first, ...otherAddresses] = chosen === undefined ? network.ownAddresses() : [chosen]
  if (first === undefined)
    throw new InputError({
      field: 'address',
      value: 'nothing',
      expected: 'the IPv4 address of this server, because it has no address besides loopback: --server ADDRESS',
    })
  const { choices, moreChoices } = await listChoices(db)
  return {
    address: first,
    otherAddresses,
    baseUrl: network.baseUrl ?? baseUrlAt(first, network.boot.port),
    tftpPort: network.tftpPort,
    nbps: [...nbps.values()],
    choices,
    moreChoices,
  }
}

/** The one address that machines can use; undefined if there may be several. */
function addressOf({ baseUrl, boot }: ServerNetwork): string | undefined {
  const host = baseUrl === undefined ? '' : new URL(baseUrl).hostname
  return [host, boot.address].find((candidate) => isIPv4(candidate) && candidate !== '0.0.0.0')
}

/** The machines with a boot program of their own or of a group, one row for each MAC. */
async function listChoices(db: Db): Promise<Required<Pick<SiteFacts, 'choices' | 'moreChoices'>>> {
  const catalog = await loadCatalog(db)
  const named = { ...catalog, groups: catalog.groups.filter(({ assignment }) => assignment.bootProgram !== undefined) }
  const choices: Required<SiteFacts>['choices'] = []
  let page = await searchMachines(db, {}, creationOrder, pageSize)
  for (let checked = page.length; page.length > 0; checked += page.length) {
    for (const machine of page) {
      const own = machine.assignment?.bootProgram
      const [group] = own === undefined ? matchingGroups(named, machine, machine.facts, targetOf(machine.facts)) : []
      const bootProgram = own ?? group?.assignment.bootProgram
      if (bootProgram !== undefined) choices.push(...machine.macs.map((mac) => ({ mac, bootProgram })))
    }
    const last = page.at(-1)
    if (choices.length > maxChoices || checked >= maxMachines)
      return { choices: choices.slice(0, maxChoices), moreChoices: true }
    if (last === undefined || page.length < pageSize) break
    page = await searchMachines(db, {}, creationOrder, pageSize, cursorOf(last, creationOrder))
  }
  return { choices, moreChoices: false }
}
