import { expect, test } from 'vitest'
import { downloadAtRandom } from '../helpers/random-downloads.ts'

/** Minutes of the downloads from the page cache: SOAK_MINUTES, or an hour. */
const minutes = Number(process.env.SOAK_MINUTES ?? 60)
const hourMs = 60 * 60_000

test.each([
  ['from the page cache', true, 2 ** 23, 1],
  ['in chunks', false, 2 ** 23, 1 / 12],
  ['in chunks, with memory for two of them', false, 2 ** 21, 1 / 12],
])(
  'downloads %s deliver correct bytes for all ranges, even while other connections are reset',
  async (title, zeroCopy, cacheBytes, share) => {
    expect(minutes).toBeGreaterThan(0)
    await downloadAtRandom(`downloads ${title}`, { zeroCopy, cacheBytes, minutes: minutes * share })
  },
  2 * hourMs,
)
