// Decides the answer to a client. Pure.

import type { ProxyMode } from '../model/assignment.ts'
import { nbpFor } from '../model/firmware/kinds.ts'
import type { PresentNbp } from '../model/firmware/nbp.ts'
import type { Client } from './client.ts'
import { type Ignored, ignore } from './ignored.ts'
import { formatReply, type Reply } from './reply.ts'

/** What an answer depends on besides the client. */
export type AnswerContext = {
  /** This server's address on the network of the client. */
  serverAddress: string
  /** The boot programs that are served. */
  nbps: Iterable<PresentNbp>
  /** Whether TFTP is served at port 69 of this address. */
  servesTftp: boolean
  /** The base URL of boot HTTP for iPXE, which resolves names. */
  baseUrl: string
  /** The base URL with an IP address, for firmware. */
  addressUrl: string
  mode: ProxyMode
  /** The boot program that an operator chose. */
  bootProgram?: string | undefined
}

/** Packets to send, and what they offer. */
export type Answer = { replies: Reply[]; bootFile: string }

/** The answer to a client, or why it gets none. */
export function answerFor(client: Client, context: AnswerContext): Answer | Ignored {
  const bootFile = bootFileFor(client, context)
  if (typeof bootFile !== 'string') return bootFile
  const { serverAddress } = context
  const replies: Reply[] = []
  for (const isPxe10 of kindsFor(client, context.mode)) {
    const reply = formatReply(client, { serverAddress, bootFile, isPxe10 })
    if (reply === undefined)
      return ignore('too-large', 'the answer is larger than the client accepts (option 57). Use a shorter base URL')
    replies.push(reply)
  }
  return { replies, bootFile }
}

function bootFileFor(client: Client, context: AnswerContext): string | Ignored {
  const { kind, firmware } = client
  // iPXE would load a boot program again and again.
  if (kind === 'ipxe') return `${context.baseUrl}/boot.ipxe`
  if (firmware === undefined) return ignore('no-arch', 'neither option 93 nor option 60 names an architecture')
  if (kind === 'pxe' && !context.servesTftp)
    return ignore('tftp-off', 'TFTP is not served at port 69, so the firmware could not load a boot program')
  const name = nbpFor(firmware.code, context.nbps, context.bootProgram)
  if (name === undefined)
    return ignore(
      'no-boot-program',
      `no boot program for ${firmware.words}. Add one to the folder of boot programs: ${firmware.nbps.join(' or ')}`,
    )
  // EDK2 takes a URL with a name from a proxy only if the DHCP server names a DNS server (HttpBootDhcp4.c).
  return kind === 'http' ? `${context.addressUrl}/nbp/${name}` : name
}

/**
 * The kinds of the replies, in their order: whether each has option 43. Until 2017-04-17 (commit 8cdd559be6, edk2#6944) EDK2
 * discarded proxy offers that have it. By default UEFI gets none, and asks at port 4011 instead. Intel's ROMs for BIOS skip
 * discovery if they get it.
 */
function kindsFor({ kind, firmware, arrival }: Client, mode: ProxyMode): boolean[] {
  if (kind !== 'pxe') return [false]
  if (firmware?.runs === 'bios') return [true]
  if (arrival.port === 4011) return [mode === 'pxe10']
  return { binl: [false], pxe10: [true], both: [true, false] }[mode]
}
