// Boots: their stages, outcomes, reports and events.
import type { Decision } from './decision.ts'
import type { Facts } from './facts.ts'

/** The stages of a boot, in their order. */
export const stages = [
  'dhcp',
  'nbp',
  'bootstrap',
  'script',
  'kernel',
  'initrd',
  'file',
  'ready',
  'answer-file',
  'installing',
  'progress',
  'installed',
  'booted',
  'failed',
  // For operators. A notice is not a step of the boot.
  'notice',
] as const
export type Stage = (typeof stages)[number]

/** One sentence for each, for docs/reference/stages.md. */
export const stageMeanings: Record<Stage, string> = {
  dhcp: 'Firmware or iPXE asked for an address or a boot file, by DHCP.',
  nbp: 'Firmware loaded a boot program, by TFTP or HTTP.',
  bootstrap: 'iPXE loaded the bootstrap.',
  script: 'iPXE got the script for its machine.',
  kernel: 'iPXE downloaded the kernel.',
  initrd: 'iPXE downloaded an initrd.',
  file: 'iPXE downloaded another file, such as an EFI program, an iPXE script or a disk image.',
  ready: 'iPXE is about to start what it loaded.',
  'answer-file': 'The installer fetched its answer file.',
  installing: 'The installer reported that it started.',
  progress: 'The installer reported its current step.',
  installed: 'The system reported that it is installed.',
  booted: 'The system reported that it is running.',
  failed: 'iPXE or the system reported a failure.',
  notice: 'A message for operators. A notice does not change the stage.',
}

/**
 * How a boot ended. Only a report of the machine makes a boot `booted` or `installed`; a report or a refusal makes it
 * `failed`. `handed-over`: the machine left for its disk, a shell or a system without reports. A `stalled` boot may resume.
 */
export const outcomes = ['booted', 'installed', 'failed', 'handed-over', 'stalled', 'superseded'] as const
export type Outcome = (typeof outcomes)[number]

/** One sentence for each, for docs/reference/stages.md. */
export const outcomeMeanings: Record<Outcome, string> = {
  booted: 'The system reported that it is running.',
  installed: 'The system reported that it is installed.',
  failed: 'The machine reported a failure, or got a refusal.',
  'handed-over': 'The machine left for its disk, for a shell, or for a system that sends no reports.',
  stalled: 'The boot stays at a stage for too long. If the boot continues, it is no longer stalled.',
  superseded: 'A newer boot of the same machine overtook this boot.',
}

/** The reports that a machine may send with its boot's token. */
export const reports = ['ready', 'installing', 'progress', 'installed', 'booted', 'failed'] as const
export type Report = (typeof reports)[number]

/** An attempt of a machine to boot. It begins with the machine's script. */
export type Boot = {
  id: string
  /** Its place in the order of boots. */
  seq: number
  machineId: string | null
  /** The machine's name at that time. */
  name: string | null
  mac: string | null
  ip: string
  image: string | null
  version: number | null
  deploymentId: string | null
  decision: Decision
  /** The last stage, and its time. */
  stage: Stage
  movedAt: Date
  /** The last step that the installer reported. */
  progress: string | null
  /** The time of the machine's last report. An installer that waits at a question still sends reports. */
  heardAt: Date | null
  outcome: Outcome | null
  message: string | null
  /** The finding of a refusal. */
  refusalCode: string | null
  /** The facts that the machine reported. */
  facts: Facts
  /** The served script, with `…` for the boot's token. */
  script: string
  startedAt: Date
  endedAt: Date | null
}

/** The fields of a boot in lists. */
export type BootSummary = Omit<Boot, 'decision' | 'facts' | 'script'>

/**
 * What happened in DHCP. `offered`: this server offered a boot file. `answered`: it named a boot file on port 4011. `accepted`:
 * the machine accepted an address of a DHCP server. `ignored`: this server did not answer.
 */
export const dhcpEventKinds = ['offered', 'answered', 'accepted', 'ignored'] as const
export type DhcpEventKind = (typeof dhcpEventKinds)[number]

/** Which client sent a DHCP packet: firmware that boots by PXE or by UEFI HTTP Boot, or iPXE. */
export const dhcpClientKinds = ['pxe', 'http', 'ipxe'] as const
export type DhcpClientKind = (typeof dhcpClientKinds)[number]

/**
 * An event of a boot. An event without `bootId` joins the boot that opens for its MAC, or at its address, within the next
 * minutes. An event with a MAC and an address ties the two: TFTP carries no MAC, so its events are found by the address.
 */
export type BootEvent = {
  bootId?: string | undefined
  /** `noAddress` if the machine had none. */
  ip: string
  /** The MAC, in the spelling of `parseMac`, if the protocol carries it. */
  mac?: string | undefined
  stage: Stage
  /** Of DHCP. */
  kind?: DhcpEventKind | undefined
  client?: DhcpClientKind | undefined
  file?: string | undefined
  bytes?: number | undefined
  durationMs?: number | undefined
  message?: string | undefined
  at: Date
}

/** The address of a machine without an address, as DHCP writes it (RFC 2131, 4.1). */
export const noAddress = '0.0.0.0'
