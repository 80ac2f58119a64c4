import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { expect, onTestFinished, test } from 'vitest'
import { findForeignSockets, parseUdpTable } from '../../../src/lib/net/udp-sockets.ts'

test('parseUdpTable reads the address, the port and the inode of each socket', () => {
  const text = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    ' 1234: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 48291 2 0000000000000000 0',
    ' 1235: 0200630A:0FAB 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 48292 2 0000000000000000 0',
  ].join('\n')
  expect(parseUdpTable(text)).toEqual([
    { address: '0.0.0.0', port: 67, inode: '48291' },
    { address: '10.99.0.2', port: 4011, inode: '48292' },
  ])
})

test.runIf(process.platform === 'linux')(
  'findForeignSockets names the program of a socket, but not this process',
  async () => {
    const own = dgram.createSocket('udp4')
    onTestFinished(() => void own.close())
    await new Promise<void>((resolve) => own.bind(0, '127.0.0.1', resolve))
    const open =
      'const s = require("node:dgram").createSocket("udp4").bind(0, "127.0.0.1", () => console.log(s.address().port))'
    const other = spawn(process.execPath, ['-e', open])
    onTestFinished(() => void other.kill())
    const port = Number(await new Promise((resolve) => other.stdout.once('data', resolve)))

    expect(await findForeignSockets([own.address().port, port])).toMatchObject([
      { address: '127.0.0.1', port, program: `node (process ${other.pid})` },
    ])
  },
)
