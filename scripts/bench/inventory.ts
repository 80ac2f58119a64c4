import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { put } from './admin.ts'

/** The inventory for the benchmarks of scripts and bulk uploads. */
export const machineCount = 100_000
const groupCount = 200

/** The MAC of the machine with this number. */
export function macOf(n: number): string {
  const hex = n.toString(16).padStart(6, '0')
  return `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`
}

/** An image and 200 groups; each machine matches three of them. */
export async function fillCatalog(socket: string): Promise<void> {
  const kernel = Buffer.from('kernel')
  const sha256 = createHash('sha256').update(kernel).digest('hex')
  await put(socket, `/api/v1/files/${sha256}?name=vmlinuz`, kernel)
  const file = { sha256, name: 'vmlinuz' }
  const args = ['console=ttyS0', 'report={{ boot.url }}']
  await put(socket, '/api/v1/images/debian-12', {
    variants: [{ arch: 'x86_64', kind: 'linux', kernel: file, initrds: [file], args }],
  })
  for (let n = 0; n < groupCount; n++) {
    // Selectors by rack, by the first bytes of the MAC, and a few that match every machine.
    const selector =
      n < 190 ? [{ label: 'rack', equals: `r${n}` }] : n < 198 ? [{ fact: 'mac', prefix: `52:54:0${n % 10}` }] : []
    await put(socket, `/api/v1/groups/g${n}`, {
      priority: n % 7,
      ...(selector.length > 0 ? { selector } : { everybody: true }),
      assignment: { args: [`g${n}=1`], params: { [`p${n % 20}`]: n } },
    })
  }
}

/** All machines, one per line, in the format of the bulk upload. */
function* machineLines(): Generator<string> {
  for (let n = 1; n <= machineCount; n += 1000) {
    let lines = ''
    for (let one = n; one < n + 1000; one++)
      lines += `${JSON.stringify({
        mac: macOf(one),
        hostname: `host-${one}`,
        serial: `S${one}`,
        product: 'X1',
        labels: { rack: `r${one % 190}` },
        assignment: { image: 'debian-12' },
      })}\n`
    yield lines
  }
}

/** Uploads all machines in bulk; returns the duration in seconds and the report of the upload. */
export function importMachines(socketPath: string): Promise<{ seconds: number; summary: Record<string, number> }> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const options = { socketPath, path: '/api/v1/machines/bulk', method: 'POST', timeout: 600_000 }
    const sent = request({ ...options, headers: { 'Content-Type': 'application/x-ndjson' } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('end', () => {
        const summary = JSON.parse(text.trim().split('\n').at(-1) ?? '{}')
        if (summary.rows !== machineCount || summary.failed !== 0)
          reject(new Error(`the bulk upload failed: ${text.slice(-500)}`))
        else resolve({ seconds: (performance.now() - started) / 1000, summary })
      })
    })
    sent.on('error', reject)
    for (const lines of machineLines()) sent.write(lines)
    sent.end()
  })
}
