import { createHash } from 'node:crypto'
import { ask, put } from '../bench/admin.ts'
import type { FakeBoot, FakeMachine } from './fake-machine.ts'

/** The files of the image that all machines boot. */
export type SiteFiles = { kernel: Buffer; initrd: Buffer }

/** The machine with this number, from 0; each has its own MAC and loopback address. */
export function fakeMachine(n: number): FakeMachine {
  const [high, low] = [Math.floor(n / 250), n % 250]
  const mac = `52:54:00:5f:${high.toString(16).padStart(2, '0')}:${low.toString(16).padStart(2, '0')}`
  return { mac, address: `127.${10 + Math.floor(high / 250)}.${high % 250}.${low + 1}` }
}

const preseed = [
  'd-i debian-installer/locale string en_US',
  'd-i netcfg/get_hostname string {{ machine.hostname }}',
  'd-i preseed/late_command string wget -q -O /dev/null {{ boot.url }}/installed',
]

/** Creates an image, an answer file, a group that assigns them, and this number of machines that match the group. */
export async function enterSite(socket: string, machines: number, { kernel, initrd }: SiteFiles): Promise<void> {
  const files = { vmlinuz: kernel, 'initrd.gz': initrd }
  for (const [name, bytes] of Object.entries(files))
    await put(socket, `/api/v1/files/${sha256(bytes)}?name=${name}`, bytes)
  const refs = Object.entries(files).map(([name, bytes]) => ({ name, sha256: sha256(bytes) }))
  const args = ['auto=true', 'url={{ boot.answer_url }}', 'report={{ boot.url }}']
  await put(socket, '/api/v1/images/storm', {
    variants: [{ arch: 'x86_64', kind: 'linux', kernel: refs[0], initrds: [refs[1]], args }],
  })
  await put(socket, '/api/v1/answer-files/storm', {
    documents: [{ name: 'preseed.cfg', text: `${preseed.join('\n')}\n` }],
  })
  await put(socket, '/api/v1/groups/storm', {
    selector: [{ label: 'hall', equals: 'storm' }],
    assignment: { image: 'storm', answerFile: 'storm', everyBoot: true },
  })
  const lines = Array.from({ length: machines }, (_, n) =>
    JSON.stringify({ mac: fakeMachine(n).mac, hostname: `storm-${n}`, labels: { hall: 'storm' } }),
  )
  const answer = await ask(
    socket,
    'POST',
    '/api/v1/machines/bulk',
    Buffer.from(`${lines.join('\n')}\n`),
    'application/x-ndjson',
  )
  const summary = JSON.parse(answer.trim().split('\n').at(-1) ?? '{}')
  if (summary.rows !== machines || summary.failed !== 0)
    throw new Error(`the machines were not entered: ${answer.slice(-500)}`)
}

type Recorded = {
  id: string
  mac?: string
  outcome?: string
  events: { stage: string; file?: string; bytes?: number; message?: string }[]
}

/**
 * Lists what is missing in the server's records of these boots, one line each. A boot that reported that it is up must be
 * `booted`, must be the only boot of its machine, and must have each event once, with all bytes.
 */
export async function missingRecords(
  socket: string,
  boots: FakeBoot[],
  files: SiteFiles,
  nbpBytes: number,
): Promise<string[]> {
  const recorded = await listAll(socket)
  const wanted = [
    `autoexec.ipxe bootstrap`,
    `bootstrap`,
    `initrd.gz initrd ${files.initrd.length}`,
    `ipxe.efi nbp ${nbpBytes}`,
    `vmlinuz kernel ${files.kernel.length}`,
    'answer-file preseed.cfg',
    'booted 6.1.0',
    'ready',
    'script linux',
  ]
  return boots.flatMap(({ mac, error }) => {
    const own = recorded.filter((one) => one.mac === mac)
    const [boot] = own
    if (error !== undefined) return []
    if (boot === undefined || own.length > 1) return [`${mac}: ${own.length} boots`]
    const seen = boot.events.map((event) => describe(event))
    const lacking = wanted.filter((one) => seen.filter((other) => other === one).length !== 1)
    const outcome = boot.outcome === 'booted' ? [] : [`outcome ${boot.outcome}`]
    const faults = [...outcome, ...lacking.map((one) => `not once: ${one}`)]
    return faults.length === 0 ? [] : [`${mac}: ${faults.join(', ')}; seen: ${seen.join(', ')}`]
  })
}

function describe({ stage, file, bytes, message }: Recorded['events'][number]): string {
  // The bootstrap's size depends on the server's address.
  const size = stage === 'bootstrap' ? undefined : bytes
  return [file, stage, size, message].filter((one) => one !== undefined).join(' ')
}

async function listAll(socket: string): Promise<Recorded[]> {
  const all: Recorded[] = []
  for (let before = ''; ; ) {
    const page = JSON.parse(await ask(socket, 'GET', `/api/v1/boots?limit=200${before}`))
    for (const { id } of page.items) all.push(JSON.parse(await ask(socket, 'GET', `/api/v1/boots/${id}`)))
    if (page.next === undefined) return all
    before = `&before=${page.next}`
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
