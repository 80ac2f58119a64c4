import { setTimeout as wait } from 'node:timers/promises'
import { ask, put } from './admin.ts'
import { type Measured, onEachDatabase } from './databases.ts'
import { fillCatalog, importMachines, machineCount, macOf } from './inventory.ts'

/** The changes that are counted: each is a dry run. */
const changes: [name: string, method: string, path: string, body: object][] = [
  ['promote a version', 'PATCH', '/api/v1/images/debian-12', { version: 2 }],
  ['change a group of every machine', 'PATCH', '/api/v1/groups/g199', { assignment: { args: ['other=1'] } }],
  ['change a group of one rack', 'PATCH', '/api/v1/groups/g7', { assignment: { args: ['other=1'] } }],
  ['change the policy', 'PUT', '/api/v1/policy', { kind: 'wait' }],
]

/** Counts what 100,000 machines boot before and after a change, and measures the scripts of machines that boot meanwhile. */
export async function benchCounts(folder: string): Promise<void> {
  await onEachDatabase(folder, async (server) => {
    const { database, socket } = server
    await fillCatalog(socket)
    await importMachines(socket)
    await addDraft(socket)
    console.log(`\nDry runs with ${machineCount} machines and 200 groups, ${database}`)
    console.log(`  no count`.padEnd(36), await scriptsDuring(server, () => wait(2000)))
    for (const [name, method, path, body] of changes) {
      let counted = { machines: 0, checked: 0 }
      const started = performance.now()
      const slowest = await scriptsDuring(server, async () => {
        const text = await ask(socket, method, `${path}?dryRun=true`, Buffer.from(JSON.stringify(body)))
        counted = JSON.parse(text).concerns
      })
      const ms = Math.round(performance.now() - started)
      console.log(`  ${name}`.padEnd(36), `${ms} ms, ${counted.machines} of ${counted.checked} machines; ${slowest}`)
    }
  })
}

/** Adds a version of the image that machines boot only after it is promoted. */
async function addDraft(socket: string): Promise<void> {
  const { variants } = JSON.parse(await ask(socket, 'GET', '/api/v1/images/debian-12'))
  const changed = variants.map((variant: { args: string[] }) => ({ ...variant, args: [...variant.args, 'draft=1'] }))
  await put(socket, '/api/v1/images/debian-12', { variants: changed, draft: true })
}

/** Fetches scripts as iPXE does, one after another, while some work runs. */
async function scriptsDuring({ port }: Measured, work: () => Promise<unknown>): Promise<string> {
  const times: number[] = []
  let isOver = false
  const fetching = (async () => {
    for (let n = 1; !isOver; n = (n % machineCount) + 1) {
      const started = performance.now()
      const response = await fetch(`http://127.0.0.1:${port}/ipxe?mac=${macOf(n)}`, {
        headers: { 'user-agent': 'iPXE/1.21.1' },
      })
      await response.text()
      times.push(performance.now() - started)
      await wait(5)
    }
  })()
  await work()
  isOver = true
  await fetching
  times.sort((a, b) => a - b)
  const at = (share: number) => Math.round(times[Math.floor((times.length - 1) * share)] ?? 0)
  return `scripts ${at(0.5)} ms (median), ${at(0.99)} ms (p99), ${at(1)} ms (slowest)`
}
