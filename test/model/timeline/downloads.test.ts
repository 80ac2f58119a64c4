import { expect, test } from 'vitest'
import { type RunningDownload, stuckDownload } from '../../../src/model/timeline/downloads.ts'

const movedAt = new Date('2026-11-27T09:00:00Z')
const download: RunningDownload = {
  boot: undefined,
  address: '192.0.2.7',
  file: 'initrd.gz',
  doneBytes: 1000,
  totalBytes: 5000,
  bytesPerSecond: 0,
  startedAt: movedAt,
  movedAt,
}

test('a download whose machine takes no bytes for 20 s is stuck', () => {
  expect(stuckDownload(download, new Date(movedAt.getTime() + 19_999))).toBeUndefined()
  expect(stuckDownload(download, new Date(movedAt.getTime() + 25_000))).toEqual({
    at: movedAt,
    text: expect.stringContaining('the download of initrd.gz is stuck at 1000 of 5000 bytes for 25 s'),
  })
})
