// The doctor of a running server: its own checks, and probes of its networks. One run at a time.
import { isIPv4 } from 'node:net'
import { findMachine } from '../inventory/machines/machines.ts'
import { ConflictError } from '../lib/errors.ts'
import type { Mac } from '../lib/ids/mac.ts'
import { listReachableAddresses } from '../lib/net/own-addresses.ts'
import { readVersion } from '../lib/program-dir.ts'
import type { DoctorReport } from './finding.ts'
import { probeInterface } from './network/interface.ts'
import { codesOfFacts, type OwnServer } from './network/probe.ts'
import { type Check, runChecks } from './run.ts'
import { serverChecks } from './server/checks.ts'
import type { ServerContext } from './server/context.ts'
import { checkMachine } from './server/machine.ts'

export type DoctorOptions = {
  /** The interfaces to probe; by default those of proxyDHCP. */
  interfaces?: string[] | undefined
  /** Kinds of firmware, by option 93. */
  firmware?: number[] | undefined
  /** The machine whose evidence is collected, instead of the checks of all machines. */
  mac?: Mac | undefined
  /** False: only the checks of the server. */
  network?: boolean | undefined
}

/** What a doctor on another computer must know of the server. */
export type DoctorAbout = OwnServer & { version: string; now: string; interfaces: string[] }

export type Doctor = {
  about: () => DoctorAbout
  /** @throws ConflictError while another run is going */
  run: (options: DoctorOptions) => Promise<DoctorReport>
  last: () => DoctorReport | undefined
  /**
   * The newest report of the checks of the server alone; undefined before the first. If it is older than five minutes, new checks
   * start in the background.
   */
  checked: () => DoctorReport | undefined
  /** When the run that is going began. */
  runningSince: () => Date | undefined
}

const maxProbeMs = 60_000
const checkedEveryMs = 5 * 60_000

export function createDoctor(context: ServerContext): Doctor {
  let runningSince: Date | undefined
  let last: DoctorReport | undefined
  let checked: DoctorReport | undefined
  let checkedAt = Number.NEGATIVE_INFINITY
  const check = async () => {
    checkedAt = performance.now()
    checked = await runChecks(serverChecks(context))
  }
  const about = (): DoctorAbout => ({
    version: readVersion(),
    now: new Date().toISOString(),
    interfaces: context.proxyDhcp,
    addresses: addressesOf(context),
    nbps: [...context.nbps.values()].map(({ name, sha256, bytes }) => ({ name, sha256, sizeBytes: bytes.length })),
  })
  return {
    about,
    last: () => last,
    checked: () => {
      // `runChecks` never rejects.
      if (performance.now() - checkedAt > checkedEveryMs) void check()
      return checked
    },
    runningSince: () => runningSince,
    run: async ({ interfaces = context.proxyDhcp, firmware, mac, network = true }) => {
      if (runningSince !== undefined)
        throw new ConflictError('the doctor is already running. Next step: try again in a minute')
      runningSince = new Date()
      try {
        const machine = mac === undefined ? undefined : await findMachine(context.db, { mac })
        const codes = firmware ?? codesOfFacts(machine?.facts ?? {})
        const probes = interfaces.map(
          (device): Check => ({
            name: `network ${device}`,
            maxMs: maxProbeMs,
            run: (signal) => probeInterface({ device, server: about(), codes, mac, signal, log: context.log }),
          }),
        )
        const evidence = mac === undefined ? [] : [{ name: `machine ${mac}`, run: () => checkMachine(context, mac) }]
        last = await runChecks([...evidence, ...serverChecks(context), ...(network ? probes : [])])
        return last
      } finally {
        runningSince = undefined
      }
    },
  }
}

function addressesOf({ baseUrl }: ServerContext): string[] {
  const host = baseUrl === undefined ? '' : new URL(baseUrl).hostname
  return [...new Set([...listReachableAddresses().map(({ address }) => address), ...(isIPv4(host) ? [host] : [])])]
}
