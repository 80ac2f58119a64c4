// Sockets for transfers through the calls of Linux, on an event loop of their own. Called by thread/program.ts.
// The global of the same name is a getter, which costs more than the call.
import { performance } from 'node:perf_hooks'
import type { Carrier, OpenCarrier, Receiver } from './carrier.ts'
import type { Ledger } from './ledger.ts'
import { errorName, ipv4, type SystemCalls, socketAddress } from './system-calls.ts'

export type SystemSockets = { open: OpenCarrier; close: () => void }

type Opened = { file: number; receiver: Receiver | undefined }

// SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC
const datagrams = 2 | 0o4000 | 0o2000000
const closeOnExec = 0o2000000
const epollAdd = 1
const epollIn = 1
const noWait = 0x40
const errors = { EINTR: 4, EAGAIN: 11, ECONNREFUSED: 111 } as const

const maxEvents = 64
/** Larger than any packet of a client: a longer one is cut, and cannot be valid. */
const receiveBytes = 2048
const ackBytes = 4
/** A client can queue datagrams faster than they are read. */
const maxReads = 64

/**
 * Sockets whose packets bypass Node: it takes 64 KB of memory for each datagram that it receives. Node's event loop is asked
 * to come back at once while transfers run. Each time, the sockets are served for `turnMs`, and Node's timers and other
 * sockets wait until then.
 * @param ledger the open files, so that another thread can close them if this one ends
 * @throws Error if the system has no epoll
 */
export function openSystemSockets(calls: SystemCalls, ledger: Ledger, turnMs = 2): SystemSockets {
  const sockets = new Map<number, Opened>()
  const failed: [socket: Opened, error: number][] = []
  const received = Buffer.allocUnsafeSlow(receiveBytes)
  // Nearly all datagrams are ACKs, which share one view of the memory.
  const receivedAck = received.subarray(0, ackBytes)
  const { words, dataWord } = calls.epollEvent
  const events = new Int32Array(maxEvents * words)
  const epoll = calls.epoll_create1(closeOnExec)
  if (epoll < 0) throw new Error(`epoll_create1 ${errorName(calls.errno())}`)
  ledger.add(epoll)
  let next: NodeJS.Immediate | undefined

  const schedule = () => {
    next ??= setImmediate(turn)
  }
  const turn = () => {
    next = undefined
    const until = performance.now() + turnMs
    do {
      const ready = calls.epoll_wait(epoll, events, maxEvents, turnMs)
      for (let at = 0; at < ready; at++) {
        const socket = sockets.get(events[at * words + dataWord] as number)
        if (socket !== undefined) read(socket)
      }
      if (ready <= 0) break
    } while (performance.now() < until)
    for (const [socket, error] of failed.splice(0)) fail(socket, error)
    if (sockets.size > 0) schedule()
  }
  const isOpen = (socket: Opened) => sockets.get(socket.file) === socket

  /** Reads one datagram. Returns 0, or the error. */
  const readOne = (socket: Opened): number => {
    const size = calls.recv(socket.file, received, receiveBytes, noWait)
    if (size < 0) return calls.errno()
    socket.receiver?.receive(size === ackBytes ? receivedAck : received.subarray(0, size))
    return 0
  }
  const read = (socket: Opened) => {
    const error = readOne(socket)
    if (error !== 0 && error !== errors.EAGAIN && error !== errors.EINTR) fail(socket, error)
  }
  const readAll = (socket: Opened) => {
    for (let reads = 0; reads < maxReads && isOpen(socket); reads++) {
      const error = readOne(socket)
      if (error === errors.EAGAIN) return
      if (error !== 0 && error !== errors.EINTR) failed.push([socket, error])
    }
  }
  // Linux reports a refused packet before earlier packets, such as the client's last ACK. Those are read first.
  const fail = (socket: Opened, error: number) => {
    readAll(socket)
    if (isOpen(socket)) socket.receiver?.fail(`recv ${errorName(error)}`)
  }

  const openFile = (localAddress: string | undefined, address: string, port: number): number => {
    const file = calls.socket(ipv4, datagrams, 0)
    if (file < 0) throw new Error(`socket ${errorName(calls.errno())}`)
    ledger.add(file)
    const local = socketAddress(localAddress ?? '0.0.0.0', 0)
    const event = Buffer.alloc(words * 4)
    event.writeInt32LE(epollIn, 0)
    event.writeInt32LE(file, dataWord * 4)
    const fault =
      (calls.bind(file, local, local.length) < 0 && `bind ${errorName(calls.errno())} ${localAddress}`) ||
      (calls.connect(file, socketAddress(address, port), local.length) < 0 &&
        `connect ${errorName(calls.errno())} ${address}:${port}`) ||
      (calls.epoll_ctl(epoll, epollAdd, file, event) < 0 && `epoll_ctl ${errorName(calls.errno())}`)
    if (fault === false) return file
    closeFile(file)
    throw new Error(fault)
  }
  const closeFile = (file: number) => {
    // First the ledger: a number that is closed may belong to another file at once.
    ledger.remove(file)
    calls.close(file)
  }

  const open: OpenCarrier = (localAddress, address, port): Carrier => {
    let socket: Opened | undefined
    let receiver: Receiver | undefined
    try {
      socket = { file: openFile(localAddress, address, port), receiver: undefined }
      sockets.set(socket.file, socket)
      schedule()
    } catch (error) {
      setImmediate(() => receiver?.fail((error as Error).message))
    }
    return {
      send: (packet) => {
        if (socket === undefined || !isOpen(socket)) return
        const sent = calls.send(socket.file, packet, packet.length, noWait)
        // A packet that the system does not take is lost, as on the network: the transfer sends it again.
        if (sent < 0 && calls.errno() === errors.ECONNREFUSED) failed.push([socket, errors.ECONNREFUSED])
      },
      receiveFor: (given) => {
        receiver = given
        if (socket !== undefined) socket.receiver = given
      },
      readWaiting: () => {
        if (socket !== undefined) readAll(socket)
      },
      close: () => {
        if (socket === undefined || !isOpen(socket)) return
        sockets.delete(socket.file)
        closeFile(socket.file)
      },
    }
  }
  return {
    open,
    close: () => {
      clearImmediate(next)
      for (const file of sockets.keys()) closeFile(file)
      sockets.clear()
      closeFile(epoll)
    },
  }
}
