// `bootwright doctor --passive`.
import type { Command } from 'commander'
import { findAddress, whichDevices } from '../../doctor/network/interface.ts'
import { type Conclusion, concludePackets } from '../../doctor/passive/conclude.ts'
import { explainPacket, type Heard, hardwareAddressOf } from '../../doctor/passive/explain.ts'
import { listenPassively } from '../../doctor/passive/listen.ts'
import { messageOf } from '../../lib/errors.ts'
import { createLog } from '../../lib/log.ts'
import { type CliDeps, print } from '../shell/deps.ts'
import { printable } from '../shell/format.ts'

/** Listens until the time is over or the operator interrupts, and explains each packet as it comes. */
export async function runPassive(
  command: Command,
  deps: CliDeps,
  { device, seconds, mac }: { device: string; seconds: number | undefined; mac?: string | undefined },
): Promise<void> {
  const { json } = command.optsWithGlobals<{ json?: boolean }>()
  const stop = new AbortController()
  const end = () => stop.abort()
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000)
  process.once('SIGINT', end)
  const isAsked = ({ packet }: Heard) => mac === undefined || hardwareAddressOf(packet) === mac
  const show = (heard: Heard) => {
    if (!json && isAsked(heard)) deps.out(`${printable(lineOf(heard))}\n`)
  }
  if (!json) deps.err(`listening on ${device}; to stop: Ctrl-C\n`)
  try {
    const heard = (await listenPassively(device, stop.signal, show, createLog('silent', process.stderr))).filter(
      isAsked,
    )
    const conclusions = concludePackets(heard)
    const packets = heard.map((item) => ({
      at: item.at.toISOString(),
      mac: hardwareAddressOf(item.packet),
      from: item.from,
      text: explainPacket(item),
    }))
    print(command, deps, { packets, conclusions }, () => formatConclusions(conclusions, packets.length))
    if (conclusions.some(({ code }) => code !== undefined)) deps.setExitCode?.(1)
  } catch (error) {
    throw new Error(
      findAddress(device) === undefined
        ? `${device} does not exist, is down, or has no IPv4 address. ${whichDevices().join(' ').replaceAll('`', '')}`
        : `${device}: ports 67 and 68 cannot be opened: ${messageOf(error)}. Next step: run the doctor as root`,
    )
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', end)
  }
}

function lineOf(heard: Heard): string {
  return `${heard.at.toISOString().slice(11, 19)}  ${hardwareAddressOf(heard.packet)}  ${explainPacket(heard)}`
}

function formatConclusions(conclusions: Conclusion[], packetCount: number): string {
  if (conclusions.length === 0) {
    const seen = packetCount === 0 ? 'no DHCP packet was seen' : `${packetCount} DHCP packets, none of a network boot`
    return `\n${seen}. For the usual causes: bootwright explain-code BW-NEVER-ASKED`
  }
  const lines = conclusions.map(({ mac, code, seen }) => `${mac}: ${code === undefined ? '' : `${code}: `}${seen}`)
  return ['', ...lines].join('\n')
}
