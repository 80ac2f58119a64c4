import { type AddressInfo, createServer, type Socket } from 'node:net'

export type ClosingServer = { url: string; stop: () => Promise<void> }

/** The ways in which a server that closes after its response can frame the body (RFC 9112, 6.3). */
export const framings = {
  'a length and Connection: close': (bytes: Buffer) => [
    `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\nConnection: close\r\n\r\n`,
    bytes,
  ],
  'chunks and Connection: close': (bytes: Buffer) => [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
    ...(bytes.length > 0 ? [`${bytes.length.toString(16)}\r\n`, bytes, '\r\n'] : []),
    '0\r\n\r\n',
  ],
  'HTTP/1.0 with a length': (bytes: Buffer) => [`HTTP/1.0 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes],
  'HTTP/1.0 without a length': (bytes: Buffer) => ['HTTP/1.0 200 OK\r\n\r\n', bytes],
} satisfies Record<string, (bytes: Buffer) => (string | Buffer)[]>

const huge = 'x'.repeat(100_000)
/** Responses that are invalid, or that end early. */
export const brokenAnswers: Record<string, (string | Buffer)[]> = {
  'no answer': [],
  'half a status line': ['HTTP/1.'],
  'another protocol': ['SSH-2.0-OpenSSH_9.2\r\n'],
  'HTTP/0.9': ['<html>hello'],
  'headers without an end': ['HTTP/1.1 200 OK\r\nX: y\r\n'],
  'headers of 100 kB': [`HTTP/1.1 200 OK\r\nX: ${huge}\r\n\r\n`],
  'two lengths': ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\n12345'],
  'a body that ends early': ['HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n', huge],
  'chunks that end early': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30000\r\n', huge],
  'chunks of nonsense': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzzzz\r\n', huge],
  'only interim answers': Array.from({ length: 50 }, () => 'HTTP/1.1 103 Early Hints\r\n\r\n'),
  'another protocol after 101': ['HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', huge],
}

/** Answers every request with the parts that `answer` returns for its path, and closes without waiting for the reader. */
export async function startClosingServer(answer: (path: string) => (string | Buffer)[]): Promise<ClosingServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    let request = ''
    socket.on('data', (bytes) => {
      if (request.includes('\r\n\r\n')) return
      request += bytes.toString('latin1')
      if (!request.includes('\r\n\r\n')) return
      for (const part of answer(request.split(' ')[1] ?? '')) socket.write(part)
      socket.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
