// `bootwright serve`: runs a server until the process is asked to stop, and prints the banner.
import { loadConfig } from '../config/config.ts'
import { messageOf } from '../lib/errors.ts'
import { type Logger, openLog } from '../lib/log.ts'
import { ownAddresses } from '../lib/net/own-addresses.ts'
import { readVersion } from '../lib/program-dir.ts'
import { asTyped } from '../lib/typed-command.ts'
import { endAsked, endOnUncaught, endProcess, type Stop } from './process-end.ts'
import { type FirstAccess, type RunningServer, startServer } from './server.ts'

/**
 * Serves until the process is asked to stop. Prints the URLs, until an admin exists the link that creates the first one, and at
 * the first start also the admin token and the next steps.
 */
export async function serve(env: Record<string, string | undefined>): Promise<void> {
  const config = loadConfig(env)
  const log = openLog(config.log)
  let stop: Stop = async () => {}
  endOnUncaught(log, () => stop())
  const asked = endAsked()
  const server = await startServer(config, log)
  stop = server.stop
  // `npm start` (scripts/start.js) restarts only a server that has sent this.
  process.send?.('serving')
  const message = server.isWithoutDatabase ? 'server started without the database' : 'server started'
  log.info({ version: readVersion(), node: process.version, ...server.addresses }, message)
  const write = (lines: string[]) => writeBanner(asTyped(`${lines.join('\n')}\n`, config.command), log)
  write(banner(server))
  if (server.isWithoutDatabase)
    server.onPrepared((first) => write(['The database answers, and is ready.', ...firstSteps(server, first)]))
  const reason = await asked
  log.info({ reason }, 'stopping')
  await endProcess(0, log, stop)
}

/** Writes to standard output. If it is closed or full, the server logs a warning and continues to serve. */
function writeBanner(text: string, log: Logger): void {
  const warn = (error: unknown) =>
    log.warn(
      { error: messageOf(error) },
      'cannot write to standard output. After a first start, create an admin token: bootwright token create NAME',
    )
  process.stdout.removeAllListeners('error').on('error', warn)
  try {
    // Node writes to a file synchronously, and throws if that fails.
    process.stdout.write(text)
  } catch (error) {
    warn(error)
  }
}

/**
 * The URLs that a DHCP server can name. A listener on all addresses has a URL for each IPv4 address of this computer.
 */
function bootUrls(address: string): string[] {
  const port = address.replace(/^.*:/, '')
  const external = ownAddresses()
  const isOnAll = /^(0\.0\.0\.0|\[::\]):/.test(address) && external.length > 0
  const hosts = isOnAll ? external.map((own) => `${own}:${port}`) : [address]
  return hosts.map((host) => `http://${host}/boot.ipxe`)
}

function banner(server: RunningServer): string[] {
  const { addresses, nbps, isWithoutDatabase } = server
  const lines = [
    `Bootwright ${readVersion()} is running.`,
    `  boot HTTP   ${bootUrls(addresses.boot).join(' ')}`,
    `  TFTP        ${addresses.tftp ?? 'not served'}   ${nbps.length === 0 ? 'no boot programs: see ipxe/nbp/README.md' : nbps.join(' ')}`,
    `  admin HTTP  http://${addresses.admin}   API: /api/v1, API documentation: /api/v1/docs`,
  ]
  if (addresses.proxyDhcp !== undefined)
    lines.splice(3, 0, `  proxyDHCP   ${addresses.proxyDhcp}   beside the DHCP server of the network`)
  if (addresses.files !== undefined) lines.splice(2, 0, `  file HTTP   http://${addresses.files}`)
  if (isWithoutDatabase)
    lines.push(
      '',
      'The server started without the database, which is unreachable. Machines boot with the last known state, and',
      'changes are refused. The log shows the reason. No restart is needed: the server uses the database as soon as it answers.',
    )
  return [...lines, ...firstSteps(server, server)]
}

/** What a first start shows once: how to sign in, and what to do next. */
function firstSteps({ addresses }: RunningServer, { adminToken, welcomeUrl }: FirstAccess): string[] {
  const lines: string[] = []
  const local = addresses.boot.replace(/^(0\.0\.0\.0|\[::\])/, '127.0.0.1')
  if (welcomeUrl !== undefined)
    lines.push(
      '',
      'No admin exists yet. To create the first one, open this link once, within 7 days:',
      `  ${welcomeUrl}`,
    )
  if (adminToken !== undefined) {
    lines.push(
      '',
      'This is the first start. Save the admin token, because Bootwright prints it only once:',
      `  ${adminToken}`,
      'Next steps:',
      `  preview the script for a machine:  curl 'http://${local}/ipxe?mac=52-54-00-12-34-56'`,
      addresses.proxyDhcp === undefined
        ? '  configure your DHCP server:        bootwright dhcp-config dnsmasq   (or isc, kea, windows …)'
        : `  boot a machine:                    connect it to the network of ${addresses.proxyDhcp}, and switch it on`,
      '  boot a virtual machine:            npm run demo',
      '  install a first machine:           see docs/guide/first-machine.md',
      '  create another admin token:        bootwright token create NAME',
    )
  }
  return lines
}
