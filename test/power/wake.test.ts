import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { powerCan } from '../../src/model/power/power.ts'
import { magicPacket } from '../../src/power/wake/magic-packet.ts'
import { broadcastOf, wakeNetworks } from '../../src/power/wake/networks.ts'
import { openWake } from '../../src/power/wake/open-wake.ts'
import { hasTool } from '../helpers/needs.ts'

const mac = '52:54:00:12:34:56'
const own = (device: string, subnet: string, internal = false) => ({
  ...{ device, subnet, internal },
  address: subnet.split('/')[0] as string,
})

describe('Wake-on-LAN', () => {
  test('sends six bytes FF and 16 times the MAC', () => {
    expect(magicPacket(mac).toString('hex')).toBe(`ffffffffffff${'525400123456'.repeat(16)}`)
  })

  test('has a function for each action that the table of kinds promises, and no other', () => {
    expect(Object.keys(openWake({ macs: [mac] })).sort()).toEqual([...powerCan['wake-on-lan'].actions, 'close'].sort())
  })

  test.each([
    ['10.1.2.3/24', '10.1.2.255'],
    ['192.168.130.5/22', '192.168.131.255'],
    ['10.0.0.1/8', '10.255.255.255'],
    ['192.0.2.1/31', undefined],
    ['192.0.2.1/32', undefined],
    ['fe80::1/64', undefined],
  ])('finds the broadcast address of %s', (subnet, broadcast) => {
    expect(broadcastOf(subnet)).toBe(broadcast)
  })

  test('takes the network of the last address of the machine, else all networks but loopback', () => {
    const all = [
      own('lo', '127.0.0.1/8', true),
      own('eth0', '10.1.0.5/24'),
      own('eth1', '10.2.0.5/24'),
      own('p2p', '10.3.0.1/32'),
    ]
    const devicesOf = (lastIp?: string) => wakeNetworks(all, lastIp).map(({ device }) => device)
    expect(devicesOf('10.2.0.77')).toEqual(['eth1'])
    expect(devicesOf('172.16.0.1')).toEqual(['eth0', 'eth1'])
    expect(devicesOf()).toEqual(['eth0', 'eth1'])
  })

  test('refuses a machine without a MAC, and a server without a network', async () => {
    await expect(openWake({ macs: [], own: [own('eth0', '10.1.0.5/24')] }).on()).rejects.toThrow('the machine has none')
    await expect(openWake({ macs: [mac], own: [own('lo', '127.0.0.1/8', true)] }).on()).rejects.toThrow(
      'this server has no network with a broadcast address',
    )
  })
})

const mayRun =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  hasTool('unshare', 'util-linux') &&
  hasTool('tshark', 'tshark')

describe.runIf(mayRun)('Wake-on-LAN on real networks', { timeout: 60_000 }, () => {
  // Two networks of this computer, each a pair of interfaces of which the second is the cable to the machine.
  const setUp = [
    'ip link set lo up',
    ...[1, 2].flatMap((n) => [
      `ip link add eth${n} type veth peer name wire${n}`,
      `ip addr add 10.77.${n}.1/24 brd + dev eth${n}`,
      `ip link set eth${n} up`,
      `ip link set wire${n} up`,
    ]),
  ]
  const program = fileURLToPath(new URL('send-wake.ts', import.meta.url))

  /** Wakes a machine in a network namespace of its own; returns its answer, and what tshark read from each wire. */
  async function wake(lastIp: string): Promise<{ said: string; heard: string[] }> {
    const capture = (n: number) =>
      `timeout 40 tshark -l -n -Q -i wire${n} -a packets:3 -a duration:12 -f "udp port 9" -T fields -E separator=' ' -E occurrence=f -e ip.src -e ip.dst -e eth.dst -e wol.mac > $OUT/wire${n} 2> /dev/null &`
    const script = [
      ...setUp,
      'OUT=$(mktemp -d)',
      'export HOME=$OUT',
      capture(1),
      capture(2),
      // tshark is listening when its packet socket is there.
      'for i in $(seq 100); do [ $(grep -c " 3 " /proc/net/packet) -ge 2 ] && break; sleep 0.1; done; sleep 1',
      `"${process.execPath}" --import tsx ${program} ${mac} ${lastIp}`,
      'wait',
      'for n in 1 2; do echo "wire$n:"; sort -u $OUT/wire$n; done',
      'rm -rf $OUT',
    ].join('\n')
    const child = spawn('unshare', ['--net', 'bash', '-c', script], { detached: true })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text += chunk
      })
    await new Promise((resolve) => child.once('close', resolve))
    const [said = '', wires = ''] = text.split('wire1:\n')
    return { said: said.trim(), heard: wires.split('wire2:\n').map((lines) => lines.trim()) }
  }

  test('reaches the network of the machine only, if it is known', async () => {
    const { said, heard } = await wake('10.77.2.50')
    expect(said).toBe(`magic packets sent for ${mac} on eth2 (10.77.2.255). Nothing confirms them`)
    expect(heard).toEqual(['', `10.77.2.1 10.77.2.255 ff:ff:ff:ff:ff:ff ${mac}`])
  })

  test('reaches all networks otherwise', async () => {
    const { heard } = await wake('192.0.2.1')
    expect(heard).toEqual([1, 2].map((n) => `10.77.${n}.1 10.77.${n}.255 ff:ff:ff:ff:ff:ff ${mac}`))
  })
})
