import { networkInterfaces } from 'node:os'
import { loadConfig } from '../config/config.ts'
import { messageOf } from '../lib/errors.ts'
import { type Logger, openLog } from '../lib/log.ts'
import { readVersion } from '../lib/program-dir.ts'
import { endAsked, endOnUncaught, endProcess, type Stop } from './process-end.ts'
import { type RunningServer, startServer } from './server.ts'

/** Serves until the process is asked to end; says on standard output where, and the first time what to do next. */
export async function serve(env: Record<string, string | undefined>): Promise<void> {
  const config = loadConfig(env)
  const log = openLog(config.log)
  let stop: Stop = async () => {}
  endOnUncaught(log, () => stop())
  const asked = endAsked()
  const server = await startServer(config, log)
  stop = server.stop
  // For `npm start` (scripts/start.js), which starts again only what has served.
  process.send?.('serving')
  log.info({ version: readVersion(), node: process.version, ...server.addresses }, 'server started')
  writeBanner(banner(server), log)
  const reason = await asked
  log.info({ reason }, 'stopping')
  await endProcess(0, log, stop)
}

/** A standard output that is closed or full ends no server that serves. */
function writeBanner(text: string, log: Logger): void {
  const warn = (error: unknown) =>
    log.warn(
      { error: messageOf(error) },
      'cannot write to standard output. If this was the first start, make an admin token: bootwright token create NAME',
    )
  process.stdout.removeAllListeners('error').on('error', warn)
  try {
    // To a file, Node writes at once, and throws what fails.
    process.stdout.write(text)
  } catch (error) {
    warn(error)
  }
}

/** What a DHCP server can name: a listener on every address is reached by each address of this machine. */
function bootUrls(address: string): string[] {
  const port = address.replace(/^.*:/, '')
  const every = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const own = every.filter((one) => one.family === 'IPv4' && !one.internal).map((one) => `${one.address}:${port}`)
  const reached = /^(0\.0\.0\.0|\[::\]):/.test(address) && own.length > 0 ? own : [address]
  return reached.map((one) => `http://${one}/boot.ipxe`)
}

function banner({ addresses, adminToken, nbps }: RunningServer): string {
  const local = addresses.boot.replace(/^(0\.0\.0\.0|\[::\])/, '127.0.0.1')
  const lines = [
    `Bootwright ${readVersion()} is running.`,
    `  boot HTTP   ${bootUrls(addresses.boot).join(' ')}`,
    `  TFTP        ${addresses.tftp ?? 'not served'}   ${nbps.length === 0 ? 'no boot programs: see ipxe/nbp/README.md' : nbps.join(' ')}`,
    `  admin HTTP  http://${addresses.admin}   API: /api/v1, its description: /api/v1/docs`,
  ]
  if (adminToken !== undefined) {
    lines.push(
      '',
      'First start. The admin token, shown this once (make more with: npm run bootwright -- token create NAME):',
      `  ${adminToken}`,
      'Next:',
      `  see the script a machine would get:  curl 'http://${local}/ipxe?mac=52-54-00-12-34-56'`,
      '  boot a virtual machine against it:   npm run demo',
      '  add an image and assign it:          see "A first machine" in README.md',
    )
  }
  return `${lines.join('\n')}\n`
}
