// Boots: their stages, outcomes, reports and events.

import type { Decision } from './decision.ts'
import type { Facts } from './facts.ts'

/** The stages of a boot, in order. */
export const stages = [
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
  // Something an operator should know. A notice is not a step of the boot.
  'notice',
] as const
export type Stage = (typeof stages)[number]

/** One sentence for each, for docs/reference/stages.md. */
export const stageMeanings: Record<Stage, string> = {
  nbp: 'Firmware loaded a boot program, by TFTP or HTTP.',
  bootstrap: 'iPXE loaded the bootstrap.',
  script: 'iPXE got the script for its machine.',
  kernel: 'iPXE downloaded the kernel.',
  initrd: 'iPXE downloaded an initrd.',
  file: 'iPXE downloaded another file, such as an EFI program, an iPXE script or a disk image.',
  ready: 'iPXE is about to jump into what it loaded.',
  'answer-file': 'The installer fetched its answer file.',
  installing: 'The installer reported that it began.',
  progress: 'The installer reported the step that it is at.',
  installed: 'The system reported that it is installed.',
  booted: 'The system reported that it runs.',
  failed: 'iPXE or the system reported a failure.',
  notice: 'Something that an operator should know. A notice moves nothing.',
}

/**
 * How a boot ended. Only the machine's own report makes a boot booted or installed. Its report or a refusal makes it failed.
 * `handed-over`: the machine left for its disk, a shell or a system that reports nothing. A stalled boot may still continue.
 */
export const outcomes = ['booted', 'installed', 'failed', 'handed-over', 'stalled', 'superseded'] as const
export type Outcome = (typeof outcomes)[number]

/** One sentence for each, for docs/reference/stages.md. */
export const outcomeMeanings: Record<Outcome, string> = {
  booted: 'The system reported that it runs.',
  installed: 'The system reported that it is installed.',
  failed: 'The machine reported a failure, or got a refusal.',
  'handed-over': 'The machine left for its disk, for a shell, or for a system that reports nothing.',
  stalled: 'The boot stays at a stage for too long. If it moves again, it is no longer stalled.',
  superseded: 'A newer boot of the same machine overtook this boot.',
}

/** The reports that a machine may send with its boot's token. */
export const reports = ['ready', 'installing', 'progress', 'installed', 'booted', 'failed'] as const
export type Report = (typeof reports)[number]

/** One attempt of a machine to boot, from its script to an outcome. */
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
  /** The last stage, and when the boot reached it. */
  stage: Stage
  movedAt: Date
  /** The installer's last named step. */
  progress: string | null
  /** When the machine last reported anything: an installer that waits at a question still reports. */
  heardAt: Date | null
  outcome: Outcome | null
  message: string | null
  /** The facts that the machine reported. */
  facts: Facts
  /** The script as served, with `…` for its token. */
  script: string
  startedAt: Date
  endedAt: Date | null
}

/** A boot as lists show it. */
export type BootSummary = Omit<Boot, 'decision' | 'facts' | 'script'>

/** One thing seen. Without a boot, the event has only an address, until a boot opens at that address. */
export type BootEvent = {
  bootId?: string | undefined
  ip: string
  stage: Stage
  file?: string | undefined
  bytes?: number | undefined
  durationMs?: number | undefined
  message?: string | undefined
  at: Date
}
