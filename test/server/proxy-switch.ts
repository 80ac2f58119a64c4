// Runs in a network namespace of its own: starts the switch of proxyDHCP on a data folder, and sets the interfaces of each further
// argument (`-` for no interface). Prints the state after each step, or the error.
import { loadConfig } from '../../src/config/config.ts'
import { dataFolder } from '../../src/config/data-folder.ts'
import { messageOf } from '../../src/lib/errors.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { createProxyDhcp } from '../../src/server/proxy-dhcp.ts'

const [folder = '', ...steps] = process.argv.slice(2)
const log = createLog('error', { write: () => true })
const inventory = {
  events: { record: () => {} },
  noteServer: () => {},
  findSituation: () => Promise.reject(new Error('no firmware asks')),
}
const proxy = createProxyDhcp(
  loadConfig(process.env.PROXY === undefined ? {} : { BOOTWRIGHT_PROXY_DHCP: process.env.PROXY }),
  { nbps: new Map(), inventory, folder: dataFolder(folder) },
  { address: { address: '0.0.0.0', port: 8080, family: 'IPv4' } },
  69,
  log,
  createMetrics(),
)
await proxy.start()
console.log(`start ${JSON.stringify(proxy.state())}`)
for (const step of steps) {
  const state = await proxy.set(step === '-' ? [] : step.split(',')).catch(messageOf)
  console.log(`${step} ${JSON.stringify(state)}`)
}
process.exit()
