// A file store that another one may replace: until the database answers, the store of all servers is not known.
import type { FileStore } from './file-store.ts'

/** Passes each call on to the store that is current at that moment. */
export function currentStore(current: () => FileStore): FileStore {
  return {
    open: async (sha256) => current().open(sha256),
    size: async (sha256) => current().size(sha256),
    put: async (...args) => current().put(...args),
    putFile: async (...args) => current().putFile(...args),
    list: () => current().list(),
    remove: async (sha256) => current().remove(sha256),
  }
}
