// The last day with updates, as people judge it.
import type { Tone } from '../http/tone.ts'

const soonDays = 180
const dayMs = 86_400_000

/** `until 2028-06-30`, `ends 2026-12-31, in 34 days`, `ended 2026-06-30`. `today` is YYYY-MM-DD. */
export function judgeEndOfLife(
  day: string | undefined,
  today = new Date().toISOString().slice(0, 10),
): { tone: Tone; text: string } | undefined {
  if (day === undefined) return undefined
  const days = Math.round((Date.parse(day) - Date.parse(today)) / dayMs)
  if (days < 0) return { tone: 'bad', text: `ended ${day}` }
  if (days > soonDays) return { tone: 'ok', text: `until ${day}` }
  return { tone: 'warn', text: days === 0 ? 'ends today' : `ends ${day}, in ${days} ${days === 1 ? 'day' : 'days'}` }
}
