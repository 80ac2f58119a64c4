import { type AnswerContext, answerFor } from '../../src/dhcp/answer.ts'
import { type Arrival, type Client, recognizeClient } from '../../src/dhcp/client.ts'
import { messageTypes, optionCodes } from '../../src/lib/dhcp/option-codes.ts'
import { type DhcpPacket, parseDhcp } from '../../src/lib/dhcp/packet.ts'
import { clientPacket, optionsOf } from '../lib/dhcp/packets.ts'

type Extra = { options?: [number, number[] | string][]; without?: number[]; fields?: Partial<DhcpPacket> }

const uuid = [0, ...Buffer.from('33221100554477668899aabbccddeeff', 'hex')]

/** A DISCOVER of firmware with this option 93, as EDK2 and Intel's ROMs send it. */
export function discoverOf(code: number, { options = [], without = [], fields = {} }: Extra = {}): DhcpPacket {
  const isHttp = [15, 16, 18, 19].includes(code)
  const arch = String(code).padStart(5, '0')
  const map = optionsOf([
    [optionCodes.messageType, [messageTypes.discover]],
    [optionCodes.maxMessageSize, [5, 192]],
    [optionCodes.clientUuid, uuid],
    [optionCodes.clientInterface, [1, 3, 0]],
    [optionCodes.clientArch, [code >> 8, code & 255]],
    [optionCodes.vendorClass, `${isHttp ? 'HTTP' : 'PXE'}Client:Arch:${arch}:UNDI:003000`],
    ...options,
  ])
  for (const option of without) map.delete(option)
  return clientPacket({ flags: 0, ...fields, options: map })
}

/** What iPXE adds to its packets. */
export const ipxeOptions: [number, number[] | string][] = [
  [optionCodes.userClass, 'iPXE'],
  [optionCodes.ipxe, [177, 5, 1, 26, 244, 16, 0, 255]],
]

export const request = [optionCodes.messageType, [messageTypes.request]] as [number, number[]]
export const inform = [optionCodes.messageType, [messageTypes.inform]] as [number, number[]]

/** An arrival at port 67 from a client without an address. */
export function arrivalAt(port: 67 | 4011 = 67, from = { address: '0.0.0.0', port: 68 }): Arrival {
  return {
    port,
    device: 'eth0',
    from,
    ownAddresses: ['10.99.0.2'],
    isNear: (address) => address.startsWith('10.99.0.'),
  }
}

/** The source of EDK2's requests to a boot server. */
export const fromEdk2 = { address: '10.99.0.157', port: 4011 }

export const context: AnswerContext = {
  serverAddress: '10.99.0.2',
  nbps: ['undionly.kpxe', 'snponly.efi', 'ipxe.efi', 'ipxe-arm64.efi'].map((name) => ({ name })),
  servesTftp: true,
  baseUrl: 'http://boot.example:8080',
  addressUrl: 'http://10.99.0.2:8080',
  mode: 'binl',
}

export function clientOf(packet: DhcpPacket, arrival = arrivalAt()): Client {
  const client = recognizeClient(packet, arrival)
  if ('ignored' in client) throw new Error(`ignored: ${client.why}`)
  return client
}

/** The replies to a packet, parsed; or why it is ignored. */
export function answerTo(packet: DhcpPacket, changes: Partial<AnswerContext> = {}, arrival = arrivalAt()) {
  const client = recognizeClient(packet, arrival)
  const answer = 'ignored' in client ? client : answerFor(client, { ...context, ...changes })
  if ('ignored' in answer) return answer
  const replies = answer.replies.map(({ datagram, to, fromPort }) => {
    const reply = parseDhcp(datagram)
    if (reply === undefined) throw new Error('the reply is not DHCP')
    return { ...reply, to, fromPort, length: datagram.length }
  })
  return { bootFile: answer.bootFile, replies }
}

/** The only reply to a packet. */
export function replyTo(...args: Parameters<typeof answerTo>) {
  const answer = answerTo(...args)
  if ('ignored' in answer) throw new Error(`ignored: ${answer.why}`)
  const [reply] = answer.replies
  if (reply === undefined || answer.replies.length > 1) throw new Error(`${answer.replies.length} replies`)
  return reply
}
