// Which boot program the firmware of a machine gets, and how proxyDHCP answers it. Called by proxyDHCP and the API.
import type { Inventory } from '../inventory/open.ts'
import type { Assignment, ProxyMode } from '../model/assignment.ts'
import type { Situation } from '../model/decision.ts'
import { type Facts, targetOf } from '../model/facts.ts'
import { type FirmwareKind, findFirmwareKind, nbpFor, whyNotChosen } from '../model/firmware/kinds.ts'
import type { PresentNbp } from '../model/firmware/nbp.ts'
import { nameOf } from '../model/machine.ts'
import { matchingGroups } from './group-match.ts'
import { machineOf } from './identity-reasons.ts'

/** What firmware reports in DHCP: `code` is option 93. `ip` is an address of the client's subnet, for groups by subnet. */
export type FirmwareFacts = Pick<Facts, 'mac' | 'uuid' | 'ip'> & { code: number }

/** What the firmware of a machine gets, and why. */
export type BootProgramChoice = {
  /** The machine that has this MAC or UUID. `discovered`: no operator entered it. */
  machine?: { id: string; name: string; discovered: boolean }
  /** Undefined if no boot program for this firmware is present. */
  bootProgram?: string
  /** Undefined if neither the machine nor a group says how to answer it. */
  proxy?: ProxyMode
  /** Why it gets this boot program, or none. */
  why: string
}

type Deps = { inventory: Pick<Inventory, 'findSituation'>; nbps: ReadonlyMap<string, PresentNbp> }

/** What the firmware of a machine gets now. Changes nothing. */
export async function resolveBootProgram(deps: Deps, { code, ...keys }: FirmwareFacts): Promise<BootProgramChoice> {
  const situation = await deps.inventory.findSituation({ ...keys, ...reportedBy(findFirmwareKind(code)) })
  return chooseBootProgram(situation, code, [...deps.nbps.values()])
}

/**
 * What firmware with this option 93 gets. A denied machine gets a boot program like others, because its boot script says on its
 * screen why its boots are refused. The machine's own assignment wins, then the strongest group that names a boot program.
 * The same holds for the way of answering. Pure.
 */
export function chooseBootProgram(situation: Situation, code: number, nbps: PresentNbp[]): BootProgramChoice {
  const { facts, identity, catalog } = situation
  const machine = machineOf(identity)
  const groups = matchingGroups(catalog, machine, facts, targetOf(facts, machine?.facts))
  const assignments = [
    ...(machine === undefined ? [] : [{ who: `machine ${nameOf(machine)}`, assignment: machine.assignment ?? {} }]),
    ...groups.map(({ name, assignment }) => ({ who: `group ${name}`, assignment })),
  ]
  const chooser = assignments.find(({ assignment }) => assignment.bootProgram !== undefined)
  const choice = chooser?.assignment.bootProgram
  const bootProgram = nbpFor(code, nbps, choice)
  const proxy = assignments.find(({ assignment }) => assignment.proxy !== undefined)?.assignment.proxy
  const byDefault = whyDefault(code, bootProgram)
  const refused = choice === undefined ? undefined : whyNotChosen(code, nbps, choice)
  return {
    ...(machine && { machine: { id: machine.id, name: nameOf(machine), discovered: machine.discovered } }),
    ...(bootProgram !== undefined && { bootProgram }),
    ...(proxy !== undefined && { proxy }),
    why:
      choice === undefined
        ? byDefault
        : refused === undefined
          ? `${chooser?.who} chooses it`
          : `${chooser?.who} chooses ${choice}, but ${refused}: ${byDefault}`,
  }
}

/** A notice if an assignment names a boot program that is not served; otherwise none. */
export function absentProgramNotices(
  { bootProgram }: Assignment = {},
  nbps: ReadonlyMap<string, PresentNbp>,
): string[] {
  if (bootProgram === undefined || nbps.has(bootProgram)) return []
  const present = [...nbps.keys()].join(', ') || 'none'
  return [
    `this server has no boot program ${bootProgram}, so firmware gets the default. Present: ${present}. To add a file, put it into the folder of boot programs and restart the server`,
  ]
}

function whyDefault(code: number, bootProgram: string | undefined): string {
  const kind = findFirmwareKind(code)
  if (kind === undefined) return `firmware of kind ${code} in option 93 is unknown`
  if (bootProgram !== undefined) return `the default for ${kind.words}`
  if (kind.runs === undefined) return kind.note ?? `${kind.words} loads no boot program`
  return `no boot program for ${kind.words} is present; expected ${kind.nbps.join(' or ')}`
}

// On BIOS every iPXE is an i386 program, and the processor is not known before it runs.
function reportedBy(kind: FirmwareKind | undefined): Pick<Facts, 'platform' | 'buildarch'> {
  if (kind?.runs === undefined) return {}
  const { runs } = kind
  if (runs === 'bios') return { platform: 'pcbios' }
  const isArch = runs === 'x86_64' || runs === 'i386' || runs === 'arm64'
  return { platform: 'efi', ...(isArch && { buildarch: runs }) }
}
