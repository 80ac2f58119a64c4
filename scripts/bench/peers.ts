import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataFolder } from '../../src/config/data-folder.ts'
import { freePort, freePorts } from '../servers/free-port.ts'
import { startNginx as startWebServer } from '../servers/nginx.ts'

/** A measured server: its address, the process whose processor time counts, and a function that stops it. */
export type Peer = { port: number; pid: number; stop: () => Promise<void> }

/** Starts Bootwright as an operator would, on free loopback ports. `env` adds settings, `nodeOptions` are options of Node.js. */
export async function startBootwright(
  folder: string,
  env: Record<string, string>,
  nodeOptions: string[] = [],
): Promise<Peer & { tftpPort: number; socket: string }> {
  const [port, admin, tftpPort] = await freePorts(3)
  const dataDir = join(folder, 'data')
  const settings = {
    BOOTWRIGHT_DATA_DIR: dataDir,
    BOOTWRIGHT_BOOT_LISTEN: `127.0.0.1:${port}`,
    BOOTWRIGHT_ADMIN_LISTEN: `127.0.0.1:${admin}`,
    BOOTWRIGHT_TFTP_LISTEN: `127.0.0.1:${tftpPort}`,
    BOOTWRIGHT_LOG_LEVEL: 'warn',
    BOOTWRIGHT_MAX_FILE_BYTES: String(2 ** 32),
  }
  const child = spawn(process.execPath, [...nodeOptions, process.env.BENCH_MAIN ?? 'dist/main.js', 'serve'], {
    env: { ...process.env, ...settings, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await answers(`http://127.0.0.1:${port}/healthz`)
  const socket = dataFolder(dataDir).adminSocket
  // The server opens its admin socket last, which can take long on a busy machine.
  for (let tries = 0; !existsSync(socket) && tries < 1200; tries++)
    await new Promise((resolve) => setTimeout(resolve, 100))
  return {
    port: port as number,
    tftpPort: tftpPort as number,
    socket,
    pid: child.pid as number,
    stop: () => end(child, 'SIGTERM'),
  }
}

/** Starts nginx with one worker and sendfile for a folder; `locations` are lines of its configuration. */
export function startNginx(folder: string, root: string, locations = ''): Promise<Peer> {
  return startWebServer(join(folder, 'nginx'), root, `tcp_nopush on; keepalive_requests 1000000; ${locations}`)
}

/** Starts tftpd-hpa in the foreground for a folder. Each of its transfers is a separate process. */
export async function startTftpdHpa(root: string): Promise<Peer> {
  const port = await freePort()
  const child = spawn('/usr/sbin/in.tftpd', ['-L', '-a', `127.0.0.1:${port}`, '-u', 'root', '-s', root], {
    stdio: 'inherit',
  })
  await new Promise((resolve) => setTimeout(resolve, 500))
  return { port, pid: child.pid as number, stop: () => end(child, 'SIGTERM') }
}

/** Starts dnsmasq as only a TFTP server for a folder. It has no setting for the port, so it gets a loopback address of its own. */
export async function startDnsmasqTftp(root: string): Promise<Peer & { host: string }> {
  const host = '127.0.0.69'
  const options = ['--port=0', '--enable-tftp', `--tftp-root=${root}`, '--tftp-max=200', '--quiet-tftp', '--user=root']
  const files = ['--conf-file=/dev/null', '--pid-file=', '--log-facility=/dev/null']
  const child = spawn(
    'dnsmasq',
    ['--keep-in-foreground', ...options, ...files, `--listen-address=${host}`, '--bind-interfaces'],
    {
      stdio: 'inherit',
    },
  )
  await new Promise((resolve) => setTimeout(resolve, 500))
  if (child.exitCode !== null)
    throw new Error(`dnsmasq cannot listen on ${host}:69: expected root, and no other TFTP server`)
  return { host, port: 69, pid: child.pid as number, stop: () => end(child, 'SIGTERM') }
}

/** Processor time of a process in seconds, user and system, from /proc/PID/stat (proc(5)). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

/** Memory that a process uses now, in MB. */
export function residentMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
}

export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} did not answer in 120 s`)
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
