import dgram from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parseUdpTable } from '../../src/doctor/server/ports.ts'

test.runIf(process.platform === 'linux')('parseUdpTable finds a socket of this process', async () => {
  const socket = dgram.createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  const sockets = parseUdpTable(await readFile('/proc/net/udp', 'utf8'))
  socket.close()
  expect(sockets.find((found) => found.port === port)).toMatchObject({ address: '127.0.0.1', port })
})
