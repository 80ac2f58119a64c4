import dgram from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openDeviceSocket, sendDatagram } from '../../../src/lib/dhcp/device-socket.ts'
import { createLog } from '../../../src/lib/log.ts'

const log = createLog('silent', { write: () => undefined })
const open = async (device: string, port = 0) => {
  const socket = await openDeviceSocket({ device, port, log })
  onTestFinished(() => void socket.close())
  return socket
}

describe.runIf(process.platform === 'linux')('a socket of one interface', () => {
  test('sends and receives by the loopback interface', async () => {
    const [receiver, sender] = [await open('lo'), await open('lo')]
    const arrived = once(receiver, 'message')
    sendDatagram(sender, Buffer.from('hello'), { address: '127.0.0.1', port: receiver.address().port }, log)
    const [bytes, from] = await arrived
    expect([bytes.toString(), from.address, from.port]).toEqual(['hello', '127.0.0.1', sender.address().port])
  })

  test('shares its port, so that each socket receives a broadcast', async () => {
    const first = await open('lo')
    const second = await open('lo', first.address().port)
    const arrived = [once(first, 'message'), once(second, 'message')]
    sendDatagram(await open('lo'), Buffer.from('all'), { address: '127.255.255.255', port: first.address().port }, log)
    expect((await Promise.all(arrived)).map(([bytes]) => bytes.toString())).toEqual(['all', 'all'])
  })

  test('is refused for an interface that does not exist', () =>
    expect(openDeviceSocket({ device: 'bw-none0', port: 0, log })).rejects.toMatchObject({ code: 'ENODEV' }))

  test('is refused for a port that another program does not share', async () => {
    const other = dgram.createSocket('udp4').bind(0, '0.0.0.0')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address()
    await expect(openDeviceSocket({ device: 'lo', port, log })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  test('sends nothing after it is closed, and nothing fails', async () => {
    const socket = await openDeviceSocket({ device: 'lo', port: 0, log })
    socket.close()
    expect(() => sendDatagram(socket, Buffer.from('late'), { address: '127.0.0.1', port: 9 }, log)).not.toThrow()
  })

  test('sends nothing to port 0, and nothing fails', async () => {
    const socket = await open('lo')
    expect(() => sendDatagram(socket, Buffer.from('x'), { address: '127.0.0.1', port: 0 }, log)).not.toThrow()
  })
})
