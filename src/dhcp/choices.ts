// What the inventory says about a client, in time for its firmware.
import { LRUCache } from 'lru-cache'
import type { BootProgramChoice, FirmwareFacts } from '../decide/boot-program.ts'
import { messageOf } from '../lib/errors.ts'
import { inTime } from '../lib/time/in-time.ts'
import type { Client } from './client.ts'
import { type Ignored, ignore } from './ignored.ts'
import type { Records } from './records.ts'

/** What operators decided for a machine, or for a group that it matches. */
export type Choice = Pick<BootProgramChoice, 'machine' | 'bootProgram' | 'proxy'>

/** Looks up a choice. @throws the error of the database */
export type FindChoice = (facts: FirmwareFacts) => Promise<Choice>

/** Firmware waits for offers for a few seconds, but other DHCP servers answer immediately. */
const timeoutMs = 300
const maxRemembered = 10_000
/** While the database hangs, look-ups outlive their timeout. */
const maxLookups = 2000

/**
 * Returns the choice for a client, or why it gets no answer. If the database is slow or unreachable, the last choice for the
 * same MAC counts, and for other clients the defaults. `ip` is an address of the client's network.
 */
export function createChoices(
  find: FindChoice,
  { knownOnly, warn }: { knownOnly: boolean; warn: Records['warn'] },
): (client: Client, ip: string) => Promise<Choice | Ignored> {
  const remembered = new LRUCache<string, Choice>({ max: maxRemembered })
  let lookups = 0
  const lookUp = async ({ mac, uuid, code = 0 }: Client, ip: string): Promise<Choice | undefined> => {
    if (lookups >= maxLookups) return undefined
    lookups += 1
    try {
      return await find({ ...(mac !== undefined && { mac }), ...(uuid !== undefined && { uuid }), ip, code })
    } catch (error) {
      warn({ mac, error: messageOf(error) }, 'looking up a DHCP client failed')
      return undefined
    } finally {
      lookups -= 1
    }
  }
  return async (client, ip) => {
    const { kind, mac, uuid } = client
    // iPXE gets the same URL whatever operators chose.
    if (kind === 'ipxe' && !knownOnly) return {}
    const key = mac ?? uuid ?? ''
    const found = await inTime(lookUp(client, ip), timeoutMs)
    if (found !== undefined && key !== '') remembered.set(key, found)
    const choice = found ?? remembered.get(key)
    if (choice === undefined && knownOnly)
      return ignore(
        'database',
        'BOOTWRIGHT_PROXY_KNOWN_ONLY is set, but the database is unreachable, so the machine cannot be looked up',
      )
    if (choice === undefined) {
      warn({ mac }, 'the database did not answer in time, so a DHCP client gets the defaults')
      return {}
    }
    if (knownOnly && choice.machine?.discovered !== false)
      return ignore(
        'unknown-machine',
        `BOOTWRIGHT_PROXY_KNOWN_ONLY is set, and no operator entered the machine. To enter it: bootwright machine set ${mac ?? 'MAC'}`,
      )
    return choice
  }
}
