// Opens a UDP socket of Node. Called by listen.ts and node-carrier.ts.
import dgram from 'node:dgram'

/** @throws the system's error (EADDRINUSE, EACCES, EMFILE) if the socket cannot be opened */
export function bind(address: string, port: number, shared: boolean): Promise<dgram.Socket> {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: shared })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind(port, address, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}
