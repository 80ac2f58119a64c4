// How many bytes of a file are in the store, for the path of a boot: cached, and answered in time or not at all.
import { LRUCache } from 'lru-cache'
import type { FileStore } from '../bytes/store/file-store.ts'
import { inTime } from '../lib/time/in-time.ts'

/** Opens the look-up. It gives undefined when the store does not answer in time, and never throws. */
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
