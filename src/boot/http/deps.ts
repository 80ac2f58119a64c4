// What the boot network is served from; opened by the server, and by tests in the same way.
import type { Transfers } from '../../bytes/send/send-file.ts'
import type { FileStore } from '../../bytes/store/file-store.ts'
import type { Db } from '../../db/open.ts'
import type { AnswerDeps } from '../../decide/answer.ts'
import type { Nbps } from '../../files/nbps.ts'
import type { Inventory } from '../../inventory/open.ts'
import type { HealthSources } from '../../inventory/system/health.ts'
import type { Logger } from '../../lib/log.ts'
import type { Sealer } from '../../lib/seal.ts'

export type BootDeps = AnswerDeps &
  HealthSources & {
    db: Db
    inventory: Inventory
    store: FileStore
    transfers: Transfers
    /** Records why a file is served no more. */
    recordDamage: (sha256: string, why: string) => Promise<unknown>
    nbps: Nbps
    sealer: Sealer
    log: Logger
    settings: {
      baseUrl: string | undefined
      /** Addresses and subnets of proxies that may say which address a client has. */
      trustedProxies?: string[]
      maxDiscovered: number
      maxDiscoveredPerAddress: number
      answersToAnyAddress: boolean
      answerSubnets?: string[] | undefined
    }
    /** True for an address that may boot here. */
    allows: (address: string) => boolean
    /** False when an address has recorded as many new machines as one address may. */
    mayRecord: (address: string) => boolean
  }
