// A model of machines that boot while their server is killed and its database goes away: no acknowledged record may be lost.
import { setTimeout as wait } from 'node:timers/promises'
import type { Seeded } from './seeded.ts'
import type { ServerProcess } from './server-process.ts'
import { testIdIn } from './token-id.ts'

/** Everything that the server acknowledged to the machines. */
export type KillModel = {
  /** Boots whose scripts arrived whole, by their ids: the machine and the deployment that the script installs. */
  scripts: Map<string, { mac: string; deployment: string | undefined }>
  /** The messages of acknowledged reports, which are all different. */
  reports: Map<string, { boot: string; seen: string }>
  /** Deployments whose end was acknowledged: no later script may install them. */
  installed: Set<string>
  /** Violations that were seen on the way. */
  faults: string[]
  /** Requests that got no answer, or 503. */
  unanswered: number
}

export type Machines = {
  model: KillModel
  /** Arms an installation for each machine that has none. Answers of a server without its database are ignored. */
  arm: () => Promise<void>
  /** Boots in the background until `stop`. */
  stop: () => Promise<void>
}

const requestMs = 5000

/** Starts machines that boot one after the other, against whichever server runs at that moment. */
export function startMachines(current: () => ServerProcess | undefined, random: Seeded, count: number): Machines {
  const model: KillModel = { scripts: new Map(), reports: new Map(), installed: new Set(), faults: [], unanswered: 0 }
  let isStopped = false
  let messages = 0
  const macs = Array.from({ length: count }, (_, n) => `52:54:00:1c:00:${n.toString(16).padStart(2, '0')}`)

  const get = async (path: string): Promise<{ status: number; text: string } | undefined> => {
    const server = current()
    if (server === undefined) return undefined
    try {
      const response = await fetch(`${server.bootUrl}${path}`, {
        headers: { 'User-Agent': 'iPXE/1.21.1' },
        signal: AbortSignal.timeout(requestMs),
      })
      return { status: response.status, text: await response.text() }
    } catch {
      return undefined
    }
  }
  /** Sends a report until it is acknowledged, as installers do. False if the machine gave up. */
  const report = async (boot: string, token: string, seen: string): Promise<boolean> => {
    for (let attempt = 0; attempt < 100 && !isStopped; attempt++) {
      const message = `model ${random.seed} ${messages++}`
      const answer = await get(`/b/${token}/${seen}?message=${encodeURIComponent(message)}`)
      if (answer?.status === 200) {
        model.reports.set(message, { boot, seen })
        return true
      }
      model.unanswered += 1
      if (answer !== undefined && answer.status !== 503)
        model.faults.push(`report ${seen} of boot ${boot} got ${answer.status}: ${answer.text.trim()}`)
      await wait(random.between(20, 150))
    }
    return false
  }
  const boot = async (mac: string) => {
    const answer = await get(`/ipxe?mac=${mac}&platform=efi&buildarch=x86_64`)
    const token = /\/b\/([\w-]{43})\/ready/.exec(answer?.text ?? '')?.[1]
    if (answer === undefined || token === undefined) {
      model.unanswered += 1
      return
    }
    const id = testIdIn(token)
    const deployment = /deployment ([0-9a-f-]{36}): installs/.exec(answer.text)?.[1]
    model.scripts.set(id, { mac, deployment })
    if (deployment !== undefined && model.installed.has(deployment))
      model.faults.push(`boot ${id} of ${mac} installs deployment ${deployment} a second time`)
    // Some machines are switched off after any step.
    const steps = deployment === undefined ? ['ready', 'booted'] : ['ready', 'installing', 'installed']
    for (const seen of steps) {
      if (random.next() < 0.08 || !(await report(id, token, seen))) return
      if (seen === 'installed' && deployment !== undefined) model.installed.add(deployment)
      await wait(random.between(0, 40))
    }
  }
  const run = async (mac: string) => {
    while (!isStopped) {
      await boot(mac)
      await wait(random.between(0, 120))
    }
  }
  const running = macs.map(run)
  return {
    model,
    arm: async () => {
      await Promise.all(
        macs.map((machine) =>
          current()
            ?.ask('POST', '/deployments', { machine, image: 'installer', maxAttempts: 100 })
            .catch(() => undefined),
        ),
      )
    },
    stop: async () => {
      isStopped = true
      await Promise.all(running)
    },
  }
}

/** The image and the machines that the model boots. */
export async function enterMachines({ ask }: ServerProcess, count: number): Promise<void> {
  await ask('PUT', '/images/installer', { variants: [{ kind: 'local', arch: 'x86_64' }] })
  for (let n = 0; n < count; n++)
    await ask('PUT', `/machines/52:54:00:1c:00:${n.toString(16).padStart(2, '0')}`, { assignment: { local: true } })
}

/** Compares what was acknowledged with the database. Returns every difference. */
export function differencesOf(
  { scripts, reports, faults }: KillModel,
  rows: { boots: string[]; events: { boot: string | null; stage: string; message: string | null }[] },
): string[] {
  const found = [...faults]
  const boots = new Set(rows.boots)
  if (boots.size !== rows.boots.length) found.push('a boot is in the database twice')
  for (const id of scripts.keys()) if (!boots.has(id)) found.push(`the boot ${id} of a served script is missing`)
  const times = new Map<string, number>()
  for (const { message } of rows.events) if (message !== null) times.set(message, (times.get(message) ?? 0) + 1)
  for (const [message, { boot, seen }] of reports) {
    const count = times.get(message) ?? 0
    if (count !== 1) found.push(`the report ${seen} of boot ${boot} is in the database ${count} times`)
  }
  const scriptsOf = new Map<string, number>()
  for (const { boot, stage } of rows.events)
    if (boot !== null && stage === 'script') scriptsOf.set(boot, (scriptsOf.get(boot) ?? 0) + 1)
  for (const [boot, count] of scriptsOf) if (count !== 1) found.push(`boot ${boot} has ${count} events of its script`)
  return found
}
