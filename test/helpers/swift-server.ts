import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { freePorts } from '../../scripts/servers/free-port.ts'
import { createS3Client } from '../../src/bytes/store/s3-client.ts'
import type { S3Settings } from '../../src/config/s3-settings.ts'

export type SwiftServer = {
  /** Settings of a new, empty bucket. */
  newBucket: () => Promise<S3Settings>
  port: number
  stop: () => Promise<void>
}

type Running = { child: ChildProcess; said: string[] }

const startTimeoutMs = 50_000
// Debian's own Python, because only this Python has the packages.
const python = '/usr/bin/python3'
const storage = ['account', 'container', 'object'] as const

/**
 * Whether OpenStack Swift is installed, for `describe.runIf`.
 * @throws Error if it is missing and `CI` or `REQUIRE_ALL_TESTS` is set, because then every test must run
 */
export function hasSwift(): boolean {
  if (existsSync('/usr/lib/python3/dist-packages/swift')) return true
  const line = 'OpenStack Swift is not installed (Debian: apt-get install --no-install-recommends python3-swift)'
  if (process.env.CI || process.env.REQUIRE_ALL_TESTS) throw new Error(line)
  console.warn(`${line}: the tests of object storage do not run`)
  return false
}

/** Starts OpenStack Swift with its S3 API: the proxy, account, container and object servers on loopback, with one folder as disk. */
export async function startSwift(): Promise<SwiftServer> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-swift-'))
  let running: Running | undefined
  const stop = async () => {
    if (running !== undefined && running.child.exitCode === null && running.child.signalCode === null) {
      running.child.kill('SIGKILL')
      await once(running.child, 'exit')
    }
    // The kernel ends the servers a moment later.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  }
  try {
    const [proxyPort = 0, ...ports] = await freePorts(4)
    await mkdir(join(folder, 'devices/disk'), { recursive: true })
    await writeFile(join(folder, 'swift.conf'), '[swift-hash]\nswift_hash_path_suffix = tests\n')
    await writeFile(join(folder, 'proxy.conf'), proxyConf(folder, proxyPort))
    for (const [index, name] of storage.entries())
      await writeFile(join(folder, `${name}.conf`), storageConf(name, folder, ports[index] ?? 0))
    const started = startServers(folder, ports)
    running = started
    await Promise.all([...ports, proxyPort].map((port) => answers(port, started)))
    let buckets = 0
    return {
      port: proxyPort,
      stop,
      newBucket: async () => {
        const settings = {
          endpoint: `http://127.0.0.1:${proxyPort}`,
          bucket: `bucket-${buckets++}`,
          prefix: '',
          region: 'us-east-1',
          accessKey: 'test:tester',
          secretKey: 'testing',
          redirect: false,
        }
        const client = createS3Client(settings)
        await client.send(new CreateBucketCommand({ Bucket: settings.bucket }))
        client.destroy()
        return settings
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

// This does the work of swift-ring-builder, swift-proxy-server, swift-object-server and the others, in a folder other than
// /etc/swift. Swift is loaded once. Each server is a process of its own that ends with this one (prctl(2): PR_SET_PDEATHSIG),
// because Swift leaves its parent's session.
const servers = `
import ctypes, os, sys
from swift.common import utils
folder = sys.argv[1]
utils.set_swift_dir(folder)

from swift.common.ring import RingBuilder
from swift.common.wsgi import run_wsgi
for name, port in (ring.split(":") for ring in sys.argv[2:]):
    builder = RingBuilder(0, 1, 0)
    builder.add_dev(dict(region=1, zone=1, ip="127.0.0.1", port=int(port), device="disk", weight=1))
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
for name in ("account", "container", "object", "proxy"):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, 9)
        sys.exit(run_wsgi(f"{folder}/{name}.conf", f"{name}-server"))
os.wait()`

function storageConf(name: string, folder: string, port: number): string {
  return `${common(folder, port)}
devices = ${folder}/devices
mount_check = false
fallocate_reserve = 0
[pipeline:main]
pipeline = ${name}-server
[app:${name}-server]
use = egg:swift#${name}
`
}

// A page of a listing has few objects, so that a small bucket has several pages.
function proxyConf(folder: string, port: number): string {
  const filters = ['catch_errors', 'gatekeeper', 'memcache', 'listing_formats', 's3api', 'tempauth', 'bulk', 'slo']
  const settings: Record<string, string> = {
    // tempauth requires a memcache server, but works without its answers.
    memcache: 'memcache_servers = 127.0.0.1:1',
    s3api: 'max_bucket_listing = 5',
    tempauth: 'user_test_tester = testing .admin\nuser_test_stranger = stranger',
  }
  return `${common(folder, port)}
[pipeline:main]
pipeline = ${filters.join(' ')} proxy-server
${filters.map((name) => `[filter:${name}]\nuse = egg:swift#${name}\n${settings[name] ?? ''}`).join('\n')}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
`
}

function common(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
log_address = ${folder}/no-syslog`
}

function startServers(folder: string, ports: number[]): Running {
  const rings = storage.map((name, index) => `${name}:${ports[index]}`)
  // The kernel ends this process with the test process, however that ends.
  const args = ['--pdeathsig', 'KILL', python, '-c', servers, folder, ...rings]
  const child = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const said: string[] = []
  child.stderr.on('data', (text) => said.length < 50 && said.push(String(text)))
  return { child, said }
}

async function answers(port: number, { child, said }: Running): Promise<void> {
  for (const until = Date.now() + startTimeoutMs; Date.now() < until && child.exitCode === null; await sleep(50)) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    if (answered !== undefined) return
  }
  throw new Error(`Swift did not start:\n${said.join('')}`)
}
