// Fetches files by TFTP as firmware does, with a client that shares no code with our server.
import dgram from 'node:dgram'
import { createClient } from 'tftp'
import { maxBootFileBytes } from './boot-file.ts'

/**
 * How a fetch ended. `refused`: the server sent an error. `stalled`: the server answered the request, but no data came.
 * `closed`: the host says that nothing listens at the port (ICMP). `answers-lost`: errors from port 69 arrive, files from
 * other ports do not.
 */
export type TftpResult =
  | { outcome: 'file'; bytes: Buffer; blockSize: number }
  | { outcome: 'refused'; message: string }
  | { outcome: 'stalled'; blockSize: number; bytes: number }
  | { outcome: 'silent' | 'closed' | 'answers-lost' }

export type TftpPatience = { retryMs: number; retries: number; maxMs: number }

export const usualTftpPatience: TftpPatience = { retryMs: 700, retries: 3, maxMs: 15_000 }

/** The block size of EDK2, and the one that every server supports (RFC 1350). */
export const firmwareBlockSize = 1468
export const smallBlockSize = 512

/** A name that no server has, so that the answer is an error. */
const unknownName = 'bootwright-doctor-asks-for-no-file'

/** Fetches a file from port 69. Never throws. */
export async function fetchTftp(
  host: string,
  file: string,
  patience = usualTftpPatience,
  blockSize = firmwareBlockSize,
  explain: typeof explainSilence = explainSilence,
): Promise<TftpResult> {
  const result = await get(host, file, blockSize, patience)
  if (result.outcome !== 'silent') return result
  return { outcome: await explain(host) }
}

function get(
  host: string,
  file: string,
  blockSize: number,
  { retryMs, retries, maxMs }: TftpPatience,
): Promise<TftpResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let total = 0
    let agreed: number | undefined
    // A window of one block: the package loses its place in larger windows when a packet is lost.
    const client = createClient({ host, port: 69, windowSize: 1, blockSize, timeout: retryMs, retries })
    const stream = client.createGetStream(file)
    const end = (result: TftpResult) => {
      clearTimeout(timer)
      resolve(result)
    }
    const late = (): TftpResult =>
      agreed === undefined ? { outcome: 'silent' } : { outcome: 'stalled', blockSize: agreed, bytes: total }
    const timer = setTimeout(() => {
      end(late())
      stream.abort()
    }, maxMs)
    stream.on('stats', (stats) => {
      agreed = stats.blockSize
    })
    stream.on('data', (bytes) => {
      total += bytes.length
      if (total > maxBootFileBytes) return stream.abort()
      chunks.push(bytes)
    })
    stream.on('abort', () => end({ outcome: 'refused', message: `the file has more than ${maxBootFileBytes} bytes` }))
    stream.on('error', ({ message }) => {
      const [, refusal] = /^\(Server\) (.*)$/s.exec(message) ?? []
      end(refusal === undefined ? late() : { outcome: 'refused', message: refusal })
    })
    stream.on('end', () => end({ outcome: 'file', bytes: Buffer.concat(chunks), blockSize: agreed ?? smallBlockSize }))
  })
}

/** The reason why a server is silent. */
export type Silence = 'silent' | 'closed' | 'answers-lost'

/** A host sends one ICMP message a second to a client, after a few at once (Linux, icmp_ratelimit). */
const icmpAttempts = 4
const icmpMs = 1000

/**
 * Tells why a server is silent. A connected socket gets ICMP errors, and only answers from port 69. Our server sends errors from
 * port 69 and files from other ports.
 */
export function explainSilence(host: string): Promise<Silence> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4')
    let attempts = 0
    const end = (outcome: Silence) => {
      clearInterval(timer)
      socket.close()
      resolve(outcome)
    }
    const send = () => {
      attempts += 1
      if (attempts > icmpAttempts) end('silent')
      else socket.send(Buffer.from(`\0\x01${unknownName}\0octet\0`, 'latin1'), () => {})
    }
    const timer = setInterval(send, icmpMs)
    socket.once('message', () => end('answers-lost'))
    // A packet that was refused by a local firewall fails with EPERM.
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'closed' : 'silent'))
    socket.connect(69, host, send)
  })
}
