import { request } from 'node:http'

/** PUT to the admin API over its Unix socket. */
export function put(socketPath: string, path: string, body: Buffer | object): Promise<void> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  const headers = {
    'Content-Length': bytes.length,
    'Content-Type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json',
  }
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: 'PUT', headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        (response.statusCode ?? 500) < 300
          ? resolve()
          : reject(new Error(`PUT ${path}: ${response.statusCode} ${Buffer.concat(parts)}`)),
      )
    })
    sent.on('error', reject)
    sent.end(bytes)
  })
}
