import { createHash, randomBytes } from 'node:crypto'
import type { FakeMachine } from './fake-machine.ts'

/** Sends a request to the admin API, with the first admin token. */
export type Ask = <T>(method: string, path: string, body?: unknown, type?: string) => Promise<T>

const racks = ['b3', 'b4', 'b5', 'c1']
const models = [
  { manufacturer: 'Dell Inc.', product: 'PowerEdge R660', platform: 'efi' },
  { manufacturer: 'HPE', product: 'ProLiant DL360 Gen11', platform: 'efi' },
  { manufacturer: 'Supermicro', product: 'SYS-120U-TNR', platform: 'pcbios' },
  { manufacturer: 'Lenovo', product: 'ThinkSystem SR630 V3', platform: 'efi' },
] as const

/** The machines of a small machine room, always the same. */
export function sampleMachines(count: number): FakeMachine[] {
  return Array.from({ length: count }, (_, index) => {
    const model = models[index % models.length] ?? models[0]
    const hex = index.toString(16).padStart(2, '0')
    return {
      ...model,
      mac: `52:54:00:c0:ff:${hex}`,
      uuid: `4c4c4544-0039-4a10-8051-b4c04f5231${hex}`,
      serial: `SN${(48_210 + index * 17).toString()}`,
      hostname: `${index % 3 === 0 ? 'web' : index % 3 === 1 ? 'db' : 'build'}${String(index).padStart(2, '0')}`,
      rack: racks[index % racks.length] ?? 'b3',
    }
  })
}

/** Enters images, groups, a menu, an answer file and machines, as an operator would. */
export async function enterSample(ask: Ask, machines: FakeMachine[]): Promise<void> {
  for (const [name, title, version, initrdBytes] of [
    ['debian-13', 'Debian 13 installer', '13.2', 512 * 1024],
    ['worker-os', 'Worker OS, live', '42.7', 512 * 1024],
    ['memtest', 'Memtest86+ 7.20', '7.20', 512 * 1024],
    // Large enough that a slow machine is seen loading it.
    ['desktop', 'Desktop, live', '12.1', 48_000_000],
  ] as const) {
    const kernel = await upload(ask, 'vmlinuz', `${title} kernel`, 96 * 1024)
    const initrd = await upload(ask, 'initrd.gz', `${title} initrd`, initrdBytes)
    const variants = (['x86_64'] as const).map((arch) => ({
      arch,
      kind: 'linux',
      kernel,
      initrds: [initrd],
      args: name === 'debian-13' ? ['auto=true', 'priority=critical', 'console=ttyS0'] : ['quiet'],
    }))
    await ask('PUT', `/images/${name}`, {
      title,
      installer: name === 'debian-13',
      variants,
      source: `release ${version}`,
    })
  }
  await ask('PUT', '/answer-files/debian-base', {
    title: 'Debian, one disk',
    documents: [
      {
        name: 'preseed.cfg',
        text: 'd-i netcfg/get_hostname string {{ machine.hostname }}\nd-i passwd/root-password password {{ secrets.root_password }}\nd-i partman-auto/disk string {{ params.disk | default: "/dev/vda" }}\n',
      },
    ],
  })
  await ask('PUT', '/menus/rescue', {
    title: 'Rescue',
    entries: [
      { kind: 'local', name: 'disk', text: 'Boot from the local disk' },
      { kind: 'image', name: 'memtest', text: 'Memtest86+ 7.20', image: 'memtest', hotkey: 'm' },
      { kind: 'shell', name: 'shell', text: 'iPXE shell', hotkey: 's' },
    ],
    timeoutSeconds: 30,
    defaultEntry: 'disk',
  })
  await ask('PUT', '/groups/web', {
    priority: 10,
    selector: [{ fact: 'hostname', prefix: 'web' }],
    assignment: { image: 'worker-os' },
  })
  await ask('PUT', '/groups/dell-serial', {
    priority: 5,
    selector: [{ fact: 'manufacturer', equals: 'Dell Inc.' }],
    assignment: { args: ['console=ttyS1'] },
  })
  const rows = machines
    .slice(0, -3)
    .map(({ mac, hostname, serial, product, rack }) =>
      JSON.stringify({ mac, hostname, serial, product, labels: { rack, site: 'lab' } }),
    )
  await ask('POST', '/machines/bulk', `${rows.join('\n')}\n`, 'application/x-ndjson')
  for (const { mac } of machines.slice(0, 12))
    await ask('PUT', `/machines/${mac}/secrets/root_password`, { value: randomBytes(12).toString('base64') })
  const selector = [{ fact: 'hostname', prefix: 'db' }]
  await ask('POST', '/deployments/bulk', { selector, image: 'debian-13', answerFile: 'debian-base', force: true })
}

async function upload(ask: Ask, name: string, text: string, sizeBytes: number) {
  const bytes = Buffer.concat([Buffer.from(text), randomBytes(sizeBytes)])
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await ask('PUT', `/files/${sha256}?name=${name}`, bytes, 'application/octet-stream')
  return { sha256, name }
}
