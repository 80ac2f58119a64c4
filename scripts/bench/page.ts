import { ask } from './admin.ts'
import { onEachDatabase } from './databases.ts'
import { fillCatalog, importMachines, machineCount, macOf } from './inventory.ts'

const pageSize = 50
const maxMs = 100

const middle = macOf(machineCount / 2)
const queries: [string, string][] = [
  ['no filter', ''],
  ['a prefix', 'q=host-77'],
  ['a middle part', 'q=ost-9999'],
  ['one letter', 'q=h'],
  ['a part of a MAC', `q=${middle.slice(6).toUpperCase().replaceAll(':', '-')}`],
  ['nothing found', 'q=zzzz-q'],
  ['nothing found, hexadecimal', 'q=ffff:ffff'],
  ['a label as typed', 'q=rack%3Dr77'],
  ['label=rack=r77', 'label=rack%3Dr77'],
  ['label=rack', 'label=rack'],
  ['label=nothing', 'label=nothing'],
  ['group=g77', 'group=g77'],
  ['image=debian-12', 'image=debian-12'],
  ['image=nothing', 'image=nothing'],
  ['platform=pcbios', 'platform=pcbios'],
  ['state=armed', 'state=armed'],
  ['state=failed', 'state=failed'],
  ['state=never-seen', 'state=never-seen'],
  ['sort=hostname, a part', 'sort=hostname&q=9'],
  ['sort=-lastSeen', 'sort=-lastSeen'],
]

/** Searches 100,000 machines as typed, and by the filters of the list; each page has 50 machines. */
export async function benchPage(folder: string): Promise<void> {
  await onEachDatabase(folder, async ({ database, socket }) => {
    await fillCatalog(socket)
    const { seconds } = await importMachines(socket)
    console.log(`\nPages of ${pageSize} of ${machineCount} machines, ${database} (uploaded in ${seconds.toFixed(1)} s)`)
    const get = async (query: string) => {
      const started = performance.now()
      const answer = JSON.parse(await ask(socket, 'GET', `/api/v1/machines?limit=${pageSize}&${query}`))
      return { ms: performance.now() - started, found: answer.items.length as number, next: answer.next as string }
    }
    let slow = 0
    const report = (what: string, times: number[], found: number) => {
      times.sort((a, b) => a - b)
      const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? 0
      if (at(0.99) > maxMs) slow += 1
      console.log(`  ${what.padEnd(28)} p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, ${found} found`)
    }
    for (const [what, query] of queries) {
      const runs = []
      for (let n = 0; n < 30; n++) runs.push(await get(query))
      report(
        what,
        runs.map(({ ms }) => ms),
        runs[0]?.found ?? 0,
      )
    }
    for (const query of ['', 'q=rack', 'label=rack', 'sort=hostname']) {
      const times: number[] = []
      let after = ''
      for (let n = 0; n < 100; n++) {
        const { ms, next } = await get(after === '' ? query : `${query}&after=${after}`)
        times.push(ms)
        after = next
      }
      report(`100 pages, ${query || 'no filter'}`, times, 100 * pageSize)
    }
    console.log(slow === 0 ? `  all below ${maxMs} ms` : `  ${slow} of them above ${maxMs} ms`)
  })
}
