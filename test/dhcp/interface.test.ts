import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseUdpTable } from '../../src/lib/net/udp-sockets.ts'
import { hasTool } from '../helpers/needs.ts'

const mayRun = process.platform === 'linux' && process.getuid?.() === 0 && hasTool('unshare', 'util-linux')
const program = fileURLToPath(new URL('open-interface.ts', import.meta.url))
const node = `"${process.execPath}" --import tsx`
const holdPort = (options: string) =>
  `"${process.execPath}" -e 'require("node:dgram").createSocket(${options}).bind(67, () => console.log("held"))' & holder=$!; sleep 2`

/** Runs shell lines in a new network namespace, whose only interface is `lo`; returns what they printed. */
function inNamespace(...lines: string[]): string {
  const script = ['ip link set lo up', ...lines, 'test -z "$holder" || kill "$holder"'].join('\n')
  const { stdout, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script], { encoding: 'utf8', timeout: 30_000 })
  return `${stdout}${stderr}`
}

describe.runIf(mayRun)('an interface for proxyDHCP', { timeout: 40_000 }, () => {
  test('that exists is opened', () => expect(inNamespace(`${node} ${program} lo`)).toContain('open'))

  test('that does not exist is refused with the names of those that do', () =>
    expect(inNamespace(`${node} ${program} eth9`)).toContain(
      'BOOTWRIGHT_PROXY_DHCP: expected the name of an interface, got "eth9". Interfaces: lo',
    ))

  test('with a port that another program uses alone is refused with the name of that program', () =>
    expect(inNamespace(holdPort('"udp4"'), `${node} ${program} lo`)).toMatch(
      /BOOTWRIGHT_PROXY_DHCP: port 67 on lo is in use by node \(process \d+\)\. Stop that program, or see docs\/guide\/proxy-dhcp\.md/,
    ))

  test('with a port that another program shares is opened, with a warning', () => {
    const text = inNamespace(holdPort('{type: "udp4", reuseAddr: true}'), `${node} ${program} lo`)
    expect(text).toMatch(/"others":"node \(process \d+\)","msg":"another program shares the port/)
    expect(text).toContain('open')
  })

  test('is refused without the right to use ports below 1024, with the command that gives it', () =>
    expect(
      inNamespace(`setpriv --reuid=65534 --clear-groups --inh-caps=-all --bounding-set=-all ${node} ${program} lo`),
    ).toContain('BOOTWRIGHT_PROXY_DHCP: ports below 1024 need root, or: sudo setcap cap_net_bind_service=+ep'))

  test('needs no other right than to use ports below 1024', () =>
    expect(
      inNamespace(
        `setpriv --reuid=65534 --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service --bounding-set=-all,+net_bind_service ${node} ${program} lo`,
      ),
    ).toContain('open'))

  test('that is removed and added again is listened on anew', async () => {
    const script = ['ip link set lo up', 'ip link add eth7 type bridge', `${node} ${program} eth7 stay`].join('\n')
    const child = spawn('unshare', ['--net', 'sh', '-c', `${script} & echo "pid $$"; wait`], { detached: true })
    onTestFinished(() => void process.kill(-(child.pid as number), 'SIGKILL'))
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    const ip = (...args: string[]) =>
      spawnSync('nsenter', ['--net', '--target', String(child.pid), 'ip', 'link', ...args])
    await expect.poll(() => text, { timeout: 20_000 }).toContain('open')
    ip('delete', 'eth7')
    await expect.poll(() => text, { timeout: 20_000 }).toContain('the interface for DHCP is gone')
    ip('add', 'eth7', 'type', 'bridge')
    const readSockets = ['--net', '--target', String(child.pid), 'cat', '/proc/net/udp']
    const ports = () => {
      const { stdout } = spawnSync('nsenter', readSockets, { encoding: 'utf8' })
      const sockets = parseUdpTable(stdout)
      return [67, 4011].map((port) => sockets.filter((socket) => socket.port === port).length)
    }
    await expect.poll(ports, { timeout: 20_000 }).toEqual([1, 1])
  })
})
