// The journals of former starts of the server, which are read once and deleted. Called by open-journal.ts.

import { stat } from 'node:fs/promises'
import { presentOf } from './clock.ts'
import type { ReadableRun } from './run.ts'
import { listSegments, readPiece, removeSegments, type Segment } from './segments.ts'

/** A run of a former start. */
export type FormerRun = ReadableRun<never> & {
  ordinal: number
  /** Bytes that are not released. */
  waitingBytes: () => number
}

/** Called when bytes of a former run cannot be read. `torn`: the last record was not complete, because the process was killed. */
export type OnDamage = (damage: { file: string; bytes: number; torn: boolean }) => void

/** The runs of a folder, the oldest first. @param keptMs how long files stay after their records were released, milliseconds */
export async function openFormerRuns(folder: string, onDamage: OnDamage, keptMs: number): Promise<FormerRun[]> {
  const runs = new Map<string, Segment[]>()
  for (const segment of await listSegments(folder)) runs.set(segment.run, [...(runs.get(segment.run) ?? []), segment])
  return Promise.all([...runs.values()].map((segments) => openFormer(segments, onDamage, keptMs)))
}

async function openFormer(list: Segment[], onDamage: OnDamage, keptMs: number): Promise<FormerRun> {
  const segments = await Promise.all(
    list.map(async (segment) => ({ ...segment, end: segment.start + (await stat(segment.path)).size })),
  )
  const [first] = segments
  if (first === undefined) throw new Error('expected a run with a segment')
  const { head } = await readPiece(first, first.start, 4096)
  let left = segments
  let released = first.start
  return {
    run: first.run,
    ordinal: first.ordinal,
    first: () => first.start,
    now: () => (head === undefined ? 0 : presentOf(head)),
    waitingBytes: () => left.reduce((sum, { start, end }) => sum + Math.max(0, end - Math.max(start, released)), 0),
    read: async (from, maxBytes) => {
      for (const segment of left) {
        if (segment.end <= from) continue
        for (let at = from; ; ) {
          const piece = await readPiece(segment, at, maxBytes)
          const { damagedBytes, tornBytes } = piece
          if (damagedBytes > 0) onDamage({ file: segment.path, bytes: damagedBytes, torn: false })
          if (tornBytes > 0) onDamage({ file: segment.path, bytes: tornBytes, torn: true })
          if (piece.entries.length > 0) return piece.entries
          if (piece.isLast || piece.next <= at) break
          at = piece.next
        }
      }
      return []
    },
    release: (before) => {
      released = Math.max(released, before)
      const done = left.filter(({ end }) => end <= released)
      left = left.filter(({ end }) => end > released)
      // The file of the roster may be older than these records, and a kill may follow.
      if (done.length > 0) setTimeout(() => void removeSegments(done).catch(() => {}), keptMs).unref()
    },
  }
}
