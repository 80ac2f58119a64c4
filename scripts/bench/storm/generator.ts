import { setTimeout as sleep } from 'node:timers/promises'
import { bootFakeMachine, type FakeBoot } from '../../fakes/fake-machine.ts'
import { fakeMachine } from '../../fakes/fake-site.ts'
import type { BootServerAddress } from '../../fakes/fake-tftp.ts'

/** The share of one process in a storm: the machines `first`, `first + step`, … below `machines`. */
export type Share = {
  server: BootServerAddress
  machines: number
  first: number
  step: number
  /** Time in which all machines are switched on, one after the other. */
  rampMs: number
  /** One in `hashEvery` machines hashes its downloads. */
  hashEvery: number
  limitMs: number
}

/** A machine's boot with its start and end, milliseconds since 1970. */
export type TimedBoot = FakeBoot & { n: number; startedAt: number; endedAt: number }

// Started by storm.ts: boots its share of the machines, sends the results to its parent, and exits.
const share: Share = JSON.parse(process.argv[2] ?? '{}')
const limit = sleep(share.limitMs, undefined, { ref: false })

const numbers = Array.from({ length: share.machines }, (_, n) => n).filter((n) => n % share.step === share.first)
const boots = await Promise.all(numbers.map(bootInTime))
process.send?.(boots, () => process.exit(0))

async function bootInTime(n: number): Promise<TimedBoot> {
  await sleep((share.rampMs * n) / share.machines)
  const startedAt = Date.now()
  const machine = fakeMachine(n)
  const late = limit.then(
    (): FakeBoot => ({ mac: machine.mac, steps: [], error: `not up within ${share.limitMs / 1000} s` }),
  )
  const booting = bootFakeMachine(machine, share.server, { hashes: n % share.hashEvery === 0 })
  const boot = await Promise.race([booting, late])
  return { ...boot, n, startedAt, endedAt: Date.now() }
}
