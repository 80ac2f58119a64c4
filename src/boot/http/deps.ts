// The dependencies of the boot network's handlers. The server and the tests open them.
import type { Sender, Transfers } from '../../bytes/send/send-file.ts'
import type { FileStore } from '../../bytes/store/file-store.ts'
import type { Db } from '../../db/open.ts'
import type { AnswerDeps } from '../../decide/answer.ts'
import type { Nbps } from '../../files/nbps.ts'
import type { Inventory } from '../../inventory/open.ts'
import type { HealthSources } from '../../inventory/system/health.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { Sealer } from '../../lib/seal.ts'
import type { FileFault } from '../../model/catalog.ts'

/** The dependencies of file handlers. File workers have them too, without a database. */
export type FileDeps = {
  store: Pick<FileStore, 'open' | 'urlFor'>
  transfers: Sender
  inventory: Pick<Inventory, 'findFileStatus'> & { events: Pick<Inventory['events'], 'record'> }
  recordDamage: (sha256: string, fault: FileFault) => Promise<unknown>
  log: Logger
  metrics: Pick<Metrics, 'request'>
  allows: (address: string) => boolean
  settings: { trustedProxies?: string[] }
}

export type BootDeps = AnswerDeps &
  HealthSources & {
    db: Db
    inventory: Inventory
    store: FileStore
    transfers: Transfers
    /** Records why a file is no longer served. */
    recordDamage: (sha256: string, fault: FileFault) => Promise<unknown>
    nbps: Nbps
    sealer: Sealer
    log: Logger
    metrics: Metrics
    settings: {
      baseUrl: string | undefined
      /** Addresses and subnets of proxies whose headers may name the client's address. */
      trustedProxies?: string[]
      maxDiscovered: number
      maxDiscoveredPerAddress: number
      answersToAnyAddress: boolean
      answerSubnets?: string[] | undefined
    }
    /** Whether an address may boot here. */
    allows: (address: string) => boolean
    /** Whether an address is below its limit of new machines. */
    mayRecord: (address: string) => boolean
  }
