// The sizes of stored files, cached for machines that boot.
import { LRUCache } from 'lru-cache'
import type { FileStore } from '../bytes/store/file-store.ts'
import { inTime } from '../lib/time/in-time.ts'

/** Creates the look-up. It never throws, and returns undefined if the store does not answer within the timeout. */
export function createFindStoredSize(
  store: Pick<FileStore, 'size'>,
  { keptMs = 2000, timeoutMs = 1000 } = {},
): (sha256: string) => Promise<{ sizeBytes: number | undefined } | undefined> {
  const sizes = new LRUCache<string, { sizeBytes: number | undefined }>({
    max: 8192,
    ttl: keptMs,
    fetchMethod: async (sha256) => {
      const size = store.size(sha256).then((sizeBytes) => ({ sizeBytes }))
      return inTime(size, timeoutMs).catch(() => undefined)
    },
  })
  return (sha256) => sizes.fetch(sha256)
}
