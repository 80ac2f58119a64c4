// The last boots of a machine as a strip of little bars, with words for those who do not see it.
import type { StripBoot } from '../../api/schemas/boots/strips.ts'
import { age, duration } from '../http/format.ts'
import type { Tone } from '../http/tone.ts'

/** A bar. Its height differs by outcome too, and the bar of a failure is broken. */
export type Bar = { x: number; height: number; tone: Tone; broken: boolean; words: string }

/** The bars, oldest first, and a summary in words. */
export type StripView = { bars: Bar[]; words: string; width: number; height: number }

export const barHeight = 16
const barStep = 8
const maxBars = 10

const looks: Record<NonNullable<StripBoot['outcome']> | 'running', { tone: Tone; height: number; word: string }> = {
  booted: { tone: 'ok', height: 16, word: 'booted' },
  installed: { tone: 'ok', height: 16, word: 'installed' },
  'handed-over': { tone: 'ok', height: 11, word: 'handed over' },
  failed: { tone: 'bad', height: 16, word: 'failed' },
  stalled: { tone: 'warn', height: 8, word: 'stalled' },
  superseded: { tone: 'idle', height: 5, word: 'superseded' },
  running: { tone: 'busy', height: 11, word: 'booting' },
}

/** The tone and the word of a boot's outcome; of a running boot without one. */
export function lookOf(outcome: StripBoot['outcome']): { tone: Tone; word: string } {
  const { tone, word } = looks[outcome ?? 'running']
  return { tone, word }
}

/** The strip of these boots, which are newest first as the API lists them. */
export function stripOf(boots: StripBoot[], now = Date.now()): StripView {
  const oldestFirst = boots.slice(0, maxBars).toReversed()
  const gap = maxBars - oldestFirst.length
  const bars = oldestFirst.map((boot, index) => {
    const { tone, height } = looks[boot.outcome ?? 'running']
    const broken = boot.outcome === 'failed'
    return { x: (gap + index) * barStep, height, tone, broken, words: wordsOf(boot, now) }
  })
  return { bars, words: summaryOf(boots), width: maxBars * barStep - 2, height: barHeight }
}

function wordsOf({ outcome, stage, image, version, startedAt, durationMs, message }: StripBoot, now: number): string {
  const what = image === undefined ? '' : ` ${image}${version === undefined ? '' : ` v${version}`}`
  const took = durationMs === undefined ? '' : `, ${duration(durationMs)}`
  const at = outcome === undefined || outcome === 'stalled' ? ` at ${stage}` : ''
  return `${looks[outcome ?? 'running'].word}${at}${what}, ${age(startedAt, now)} ago${took}${message === undefined ? '' : `: ${message}`}`
}

/** `last 10 boots: 8 booted, 2 failed; newest: failed`. */
function summaryOf(boots: StripBoot[]): string {
  const [newest] = boots
  if (newest === undefined) return 'no boots'
  const counts = new Map<string, number>()
  for (const { outcome } of boots) {
    const { word } = lookOf(outcome)
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const parts = [...counts].map(([word, count]) => `${count} ${word}`)
  const title = boots.length === 1 ? 'last boot' : `last ${boots.length} boots`
  return `${title}: ${parts.join(', ')}; newest: ${lookOf(newest.outcome).word}`
}
