import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The result of a GET. `retries` counts answers with Retry-After, `waitedMs` is the time spent on these waits. */
export type Fetched = { bytes: number; retries: number; waitedMs: number; firstByteMs: number }

/** An HTTP client like that of iPXE: one connection, kept for the next request, and one request at a time. */
export type IpxeHttp = {
  /** Gives the body to `take` piece by piece; the next piece overwrites the buffer. @throws Error for a status that is an error */
  get: (url: URL, take: (piece: Buffer) => void) => Promise<Fetched>
  close: () => void
}

type Answer = { status: number; retryAfter: number | undefined; bytes: number; firstByteMs: number }

/** iPXE closes a connection that is silent for this time (its httpcore.c, since 2025). */
const silenceMs = 120_000
const userAgent = 'iPXE/1.21.1+fake'
const mostHeaderBytes = 16_384
/** The read buffer of all connections: its content is consumed before the next read. */
const readBuffer = Buffer.allocUnsafe(256 * 1024)

/**
 * Opens a client at an address of this machine. Like iPXE (its httpcore.c) it obeys an error status with Retry-After;
 * `toldToWait` is called for each.
 */
export function openIpxeHttp(localAddress: string, toldToWait = () => {}): IpxeHttp {
  let kept: Connection | undefined

  const once = async (url: URL, take: (piece: Buffer) => void): Promise<Answer> => {
    const reused = kept?.usable() === true
    if (!reused) kept = await openConnection(localAddress, url)
    let answer = await (kept as Connection).ask(url, take)
    if (answer === undefined && reused) {
      // The server closed a kept connection while the request was on its way: iPXE opens another (its httpconn.c).
      kept = await openConnection(localAddress, url)
      answer = await kept.ask(url, take)
    }
    if (answer === undefined) throw new Error(`GET ${url.pathname}: the connection was closed before an answer`)
    return answer
  }

  return {
    get: async (url, take) => {
      for (let retries = 0, waitedMs = 0; ; retries++) {
        const { status, retryAfter, bytes, firstByteMs } = await once(url, take)
        if (status === 200) return { bytes, retries, waitedMs, firstByteMs }
        if (retryAfter === undefined) throw new Error(`GET ${url.pathname}: status ${status}`)
        toldToWait()
        await sleep(retryAfter * 1000)
        waitedMs += retryAfter * 1000
      }
    },
    close: () => kept?.close(),
  }
}

type Connection = {
  usable: () => boolean
  /** Undefined: the connection ended before the first byte of an answer. */
  ask: (url: URL, take: (piece: Buffer) => void) => Promise<Answer | undefined>
  close: () => void
}

async function openConnection(localAddress: string, { hostname, port }: URL): Promise<Connection> {
  let usable = true
  let deliver: (piece: Buffer) => void = () => {}
  let broken: (error: Error) => void = () => {}
  const socket = await new Promise<Socket>((resolve, reject) => {
    const onread = {
      buffer: readBuffer,
      callback: (length: number) => {
        try {
          deliver(readBuffer.subarray(0, length))
        } catch (error) {
          socket.destroy(error as Error)
        }
        return true
      },
    }
    const opening: Socket = connect({ host: hostname, port: Number(port || 80), localAddress, onread }, () =>
      resolve(opening),
    )
    opening.once('error', reject)
    opening.setNoDelay(true)
  })
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`silence for ${silenceMs / 1000} s`)))
  socket.on('error', (error) => broken(error))
  socket.on('close', () => {
    usable = false
    broken(new Error('closed'))
  })

  return {
    usable: () => usable,
    close: () => socket.destroy(),
    ask: (url, take) =>
      new Promise<Answer | undefined>((resolve, reject) => {
        const started = performance.now()
        let header = ''
        let body: { answer: Answer; left: number; keep: boolean } | undefined
        const finish = ({ answer, keep }: { answer: Answer; keep: boolean }) => {
          deliver = () => {}
          broken = () => {}
          if (!keep) socket.destroy()
          if (!keep) usable = false
          resolve(answer)
        }
        broken = (error) => {
          if (header === '') resolve(undefined)
          else reject(new Error(`GET ${url.pathname}: ${error.message}, ${body?.left ?? 'all'} bytes left`))
        }
        deliver = (piece) => {
          let rest = piece
          if (body === undefined) {
            const seen = header.length
            header += piece.toString('latin1')
            const end = header.indexOf('\r\n\r\n')
            if (end < 0) {
              if (header.length > mostHeaderBytes) socket.destroy(new Error('a header without an end'))
              return
            }
            const parsed = parseHeader(header.slice(0, end))
            const answer = { ...parsed, bytes: 0, firstByteMs: performance.now() - started }
            body = { answer, left: parsed.length, keep: parsed.keep }
            rest = piece.subarray(end + 4 - seen)
          }
          if (rest.length > body.left) {
            socket.destroy(new Error('more bytes than were promised'))
            return
          }
          body.left -= rest.length
          body.answer.bytes += rest.length
          if (body.answer.status === 200 && rest.length > 0) take(rest)
          if (body.left === 0) finish(body)
        }
        socket.write(
          `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: ${userAgent}\r\nConnection: keep-alive\r\n\r\n`,
        )
      }),
  }
}

function parseHeader(text: string) {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const fields = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const length = Number(fields.get('content-length') ?? Number.NaN)
  if (Number.isNaN(length)) throw new Error(`an answer without its length: ${statusLine}`)
  const wait = fields.get('retry-after')
  return {
    status: Number(statusLine.split(' ')[1]),
    length,
    keep: fields.get('connection')?.toLowerCase() !== 'close',
    // iPXE takes any value that is not a number as five seconds.
    retryAfter: wait === undefined ? undefined : /^\d+$/.test(wait) ? Number(wait) : 5,
  }
}
