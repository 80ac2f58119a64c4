// The steps from an empty server to a machine that boots, each with its state and the facts in one sentence.
import type { BootSummary } from '../../api/schemas/boots/boot.ts'
import { nameOf } from '../boots/words.ts'
import { count } from '../http/format.ts'
import type { Setup } from './setup-state.ts'

/** `attention`: the step was done, but something is wrong. `busy`: something runs now. */
export type StepState = 'done' | 'attention' | 'busy' | 'todo'

export type Step = { id: string; title: string; state: StepState; summary: string }

type Judged = [state: StepState, summary: string]

/** The outcomes after which a machine runs something that this server gave. */
const reachedOutcomes = ['booted', 'installed', 'handed-over']

/** BIOS and UEFI x86-64: nearly all machines in racks (DHCP option 93). */
const commonFirmware = [0, 7]

/** The newest boots may all be in progress. */
export function hasBooted({ boots, reached }: Pick<Setup, 'boots' | 'reached'>): boolean {
  return reached || boots.some(isBooted)
}

function isBooted({ outcome }: Pick<BootSummary, 'outcome'>): boolean {
  return outcome !== undefined && reachedOutcomes.includes(outcome)
}

export function stepsOf(setup: Setup): Step[] {
  const rows: [id: string, title: string, Judged][] = [
    ['addresses', 'Addresses for machines', addresses(setup)],
    ['programs', 'Boot programs', programs(setup)],
    ['dhcp', 'DHCP', dhcp(setup)],
    ['doctor', 'Doctor', doctor(setup)],
    ['image', 'First image', image(setup)],
    ['policy', 'Unknown machines', policy(setup)],
    ['machine', 'Your machine', machine(setup)],
  ]
  return rows.map(([id, title, [state, summary]]) => ({ id, title, state, summary }))
}

/** The first step that needs somebody. */
export function nextStep(steps: Step[]): Step | undefined {
  return steps.find(({ state }) => state === 'attention') ?? steps.find(({ state }) => state !== 'done')
}

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

function addresses({ about: { bootUrls } }: Setup): Judged {
  const [first] = bootUrls
  if (first === undefined) return ['attention', 'this server has no address that machines can reach']
  if (bootUrls.every(isLoopback)) return ['attention', `${first} is reachable only from this computer`]
  const more = bootUrls.length - 1
  return ['done', more === 0 ? first : `${first} and ${count(more, 'more address', 'more addresses')}`]
}

function programs({ programs: { items, missing, absent } }: Setup): Judged {
  if (items.length === 0) return ['todo', 'this server has no boot program: no firmware can boot from it']
  if (absent.length > 0) return ['attention', `chosen, but not here: ${absent.map(({ name }) => name).join(', ')}`]
  const common = missing.filter(({ code }) => commonFirmware.includes(code))
  if (common.length > 0) return ['attention', `none for ${common.map(({ words }) => words).join(', ')}`]
  const lacking = missing.length === 0 ? '' : `, and none for ${count(missing.length, 'rare kind')} of firmware`
  return ['done', `${count(items.length, 'boot program')}${lacking}`]
}

function dhcp({ about: { proxyDhcp }, boots, discovered, firmware }: Setup): Judged {
  if (proxyDhcp.fault !== undefined) return ['attention', `proxyDHCP does not answer: ${proxyDhcp.fault}`]
  if (proxyDhcp.interfaces.length > 0) return ['done', `proxyDHCP answers on ${proxyDhcp.interfaces.join(', ')}`]
  if (boots.length + discovered.length + firmware.length > 0)
    return ['done', 'your DHCP server leads machines to this server']
  return ['todo', 'no machine has reached this server yet']
}

function doctor({ doctor: { last }, findings: own }: Setup): Judged {
  if (last === undefined && own.length === 0) return ['todo', 'the doctor has not run since the server started']
  const findings = last?.findings ?? own
  const countOf = (name: string) => findings.filter(({ state }) => state === name).length
  const [errors, warnings] = [countOf('error'), countOf('warning')]
  const words = [errors > 0 && count(errors, 'error'), warnings > 0 && count(warnings, 'warning')].filter(Boolean)
  return [errors > 0 ? 'attention' : 'done', words.length === 0 ? 'no problem found' : words.join(', ')]
}

function image({ images, imports }: Setup): Judged {
  const [first, ...others] = images
  const open = imports.find(({ endedAt }) => endedAt === undefined)
  if (open !== undefined) return [first === undefined ? 'busy' : 'done', `${open.source}: ${open.doing}`]
  if (first !== undefined) {
    const more = others.length > 2 ? ' and more' : ''
    return ['done', `${[first, ...others.slice(0, 2)].map(({ name }) => name).join(', ')}${more}`]
  }
  const failed = imports.find(({ state }) => state === 'failed')
  return failed === undefined ? ['todo', 'no image yet'] : ['attention', `${failed.source} failed`]
}

function policy({ policy, assigns }: Setup): Judged {
  switch (policy.kind) {
    case 'local':
      return assigns
        ? ['done', 'they boot from their local disk']
        : ['todo', 'they boot from their local disk, and no machine or group has an image']
    case 'wait':
      return ['done', 'they wait until they have an image']
    case 'menu':
      return ['done', `they show the menu ${policy.menu}`]
    case 'image':
      return ['done', `they boot ${policy.image}`]
  }
}

function machine({ boots, reached, discovered, firmware }: Setup): Judged {
  const done = boots.find(isBooted)
  if (done !== undefined) return ['done', `${nameOf(done)} booted${done.image === undefined ? '' : ` ${done.image}`}`]
  if (reached) return ['done', 'machines boot from this server']
  const [boot] = boots
  if (boot !== undefined) return ['busy', `${nameOf(boot)} ${boot.outcome ?? `is at the stage ${boot.stage}`}`]
  if (firmware.length + discovered.length > 0) return ['busy', 'a machine was seen on the network']
  return ['todo', 'waiting for your machine']
}
