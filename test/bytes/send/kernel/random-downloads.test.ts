import { test } from 'vitest'
import { downloadAtRandom } from '../../../helpers/random-downloads.ts'

// `npm run soak` does the same for an hour.
test('the kernel sends correct bytes for random ranges, resets, slow readers and cold files', async () => {
  await downloadAtRandom('downloads from the page cache', { zeroCopy: true, cacheBytes: 2 ** 23, minutes: 2 })
}, 300_000)
