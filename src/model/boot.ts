import type { Decision } from './decision.ts'
import type { Facts } from './facts.ts'

/** What is seen of a boot, in the order in which a boot goes. */
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
  // Worth knowing, and no step: it moves nothing.
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
 * How a boot ended. Only the machine's own report makes it booted or installed, and that or the refusal it was shown failed.
 * `handed-over`: it left for its disk, a shell or a system that reports nothing. `stalled` is no end: it may move again.
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

/** What a machine may report with its boot's token. */
export const reports = ['ready', 'installing', 'progress', 'installed', 'booted', 'failed'] as const
export type Report = (typeof reports)[number]

/** One attempt of a machine to boot, from its script on. */
export type Boot = {
  id: string
  /** Its place in the order of boots. */
  seq: number
  machineId: string | null
  /** What the machine was called then. */
  name: string | null
  mac: string | null
  ip: string
  image: string | null
  version: number | null
  deploymentId: string | null
  decision: Decision
  /** The last thing seen, and when. */
  stage: Stage
  movedAt: Date
  /** The step that its installer named last. */
  progress: string | null
  /** When the machine itself last reported anything: an installer that waits at a question still does. */
  heardAt: Date | null
  outcome: Outcome | null
  message: string | null
  /** What the machine said of itself. */
  facts: Facts
  /** As it was served, with `…` for its token. */
  script: string
  startedAt: Date
  endedAt: Date | null
}

/** What a list shows of each boot. */
export type BootSummary = Omit<Boot, 'decision' | 'facts' | 'script'>

/** One thing seen. Without a boot it is known by the address only, until a boot opens there. */
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
