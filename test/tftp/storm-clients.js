import dgram from 'node:dgram'
import { parentPort, workerData } from 'node:worker_threads'

// A thread of TFTP clients that all fetch a file at once (blocks of 1468, window 1). A client never repeats an ACK, so every
// repeated packet is a decision of the server. The thread reports the bytes of each client, and the packets that arrived twice.

/** @type {{ port: number, file: string, clients: number }} */
const { port, file, clients } = workerData
const blockSize = 1468
const request = Buffer.from(`\0\x01${file}\0octet\0blksize\0${blockSize}\0`, 'latin1')
let repeats = 0

/** @returns {Promise<Buffer>} */
function fetchFile() {
  return new Promise((resolve, reject) => {
    /** @type {Buffer[]} */
    const parts = []
    const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
    socket.on('error', reject)
    socket.on('message', (bytes, from) => {
      if (bytes.readUInt16BE(0) === 5) return reject(new Error(bytes.toString('latin1', 4)))
      const block = bytes.readUInt16BE(0) === 6 ? 0 : bytes.readUInt16BE(2)
      if (block !== 0 && block !== parts.length + 1) {
        repeats += 1
        return
      }
      if (block !== 0) parts.push(bytes.subarray(4))
      const isLast = block !== 0 && bytes.length < blockSize + 4
      socket.send(Buffer.from([0, 4, block >> 8, block & 0xff]), from.port, '127.0.0.1', () => {
        if (!isLast) return
        socket.close()
        resolve(Buffer.concat(parts))
      })
    })
    socket.bind(0, '127.0.0.1', () => socket.send(request, port, '127.0.0.1'))
  })
}

const fetched = await Promise.all(Array.from({ length: clients }, fetchFile))
parentPort?.postMessage({ fetched, repeats })
