// Stages and outcomes of boots in words, with the colors of states in app.css.
import type { BootSummary } from '../../api/schemas/boots/boot.ts'
import type { Tone } from '../http/tone.ts'
import { lookOf } from './strip.ts'

export type State = { tone: Tone; words: string }

type Stage = BootSummary['stage']

/** What a machine did last. */
const stageWords: Record<Stage, string> = {
  dhcp: 'asked by DHCP',
  nbp: 'loaded a boot program',
  bootstrap: 'loaded the bootstrap',
  script: 'got its script',
  kernel: 'loaded the kernel',
  initrd: 'loaded an initrd',
  file: 'loaded a file',
  ready: 'starts its system',
  'answer-file': 'fetched the answer file',
  installing: 'installs',
  progress: 'installs',
  installed: 'installed',
  booted: 'booted',
  failed: 'failed',
  notice: 'sent a message',
}

export function stageText(stage: Stage): string {
  return stageWords[stage]
}

/** The outcome of a boot; `booting` without one. */
export function outcomeState(outcome: BootSummary['outcome']): State {
  const { tone, word } = lookOf(outcome)
  return { tone, words: word }
}

/** The name of a boot's machine, or what is known of the machine. */
export function nameOf({ name, mac, ip }: Pick<BootSummary, 'name' | 'mac' | 'ip'>): string {
  return name ?? mac ?? ip
}
