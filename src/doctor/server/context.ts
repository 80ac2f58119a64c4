// What the checks of the server look at.

import type { Db } from '../../db/open.ts'
import type { AnswerDeps } from '../../decide/answer.ts'
import type { Nbps } from '../../files/nbps.ts'
import type { HealthSources } from '../../inventory/system/health.ts'
import type { Logger } from '../../lib/log.ts'

/** The running server. */
export type ServerContext = AnswerDeps &
  HealthSources & {
    db: Db
    log: Logger
    nbps: Nbps
    /** The folder of the boot programs. */
    nbpFolder: string
    dataFolder: string
    /** The base URL of the settings, for machines. */
    baseUrl: string | undefined
    /** `http://host:port` at which this computer reaches boot HTTP. */
    bootUrl: string
    /** The address and the port of boot HTTP. */
    boot: { host: string; port: number }
    /** Undefined if TFTP is off, or could not listen. */
    tftp: { configured: { host: string; port: number } | undefined; listening: string | undefined }
    /** The interfaces of the built-in proxyDHCP; empty if it is off. */
    proxyDhcp: string[]
    /** BOOTWRIGHT_BOOT_SUBNETS. */
    bootSubnets: string[]
  }
