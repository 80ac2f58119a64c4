import { request } from 'node:http'

/** PUT to the admin API over its Unix socket. */
export async function put(socketPath: string, path: string, body: Buffer | object): Promise<void> {
  const json = Buffer.isBuffer(body) ? undefined : 'application/json'
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  await ask(socketPath, 'PUT', path, bytes, json ?? 'application/octet-stream')
}

/** Calls the admin API over its Unix socket; returns the text of the answer. @throws Error for a status that is not 2xx */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: Buffer,
  type = 'application/json',
): Promise<string> {
  const headers = body === undefined ? {} : { 'Content-Length': body.length, 'Content-Type': type }
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8')
        if ((response.statusCode ?? 500) < 300) resolve(text)
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
