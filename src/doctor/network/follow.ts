// Follows one client: from its offers to the boot program or the script that it would load.
import { isHostAddress } from '../../lib/subnet.ts'
import { type Finding, fault, pass, type Subject } from '../finding.ts'
import { judgeBootFile, maxBootFileBytes } from './boot-file.ts'
import type { Fetches } from './fetches.ts'
import { type Client, type Take, takeAnswer, whatFirmwareTakes } from './firmware-takes.ts'
import { givesAddress, type Offer, serverOf } from './offers.ts'
import { isOwn, type Probe } from './probe.ts'
import { checkScript } from './script.ts'
import { firmwareBlockSize, smallBlockSize, type TftpResult } from './tftp.ts'
import type { Wire } from './wire.ts'

type FileTake = Extract<Take, { step: 'file' }>

/** The findings of one client. `check` is without the client, because several clients may find the same. */
export type Followed = {
  findings: Finding[]
  /** Whether the network names a boot file, which the client asks for by TFTP. */
  namesFile: boolean
}

const check = 'boot file'

/** What one client finds. */
export async function followClient(
  probe: Probe,
  wire: Pick<Wire, 'askBootServer'>,
  fetches: Fetches,
  client: Client,
  offers: readonly Offer[],
): Promise<Followed> {
  const subject = { check, where: probe.device }
  const take = whatFirmwareTakes(client, offers)
  switch (take.step) {
    // These are findings of the whole network (presence.ts).
    case 'no-offer':
    case 'no-address':
      return withoutFile([])
    case 'no-file':
      return withoutFile([noFile(subject, client, take.address)])
    case 'ignored':
      return withoutFile([fault(subject, 'BW-HTTP-BOOT-OFFER', `${serverOf(take.offer)}: ${take.why}`)])
    case 'file':
      return followFile(probe, fetches, client, take)
    case 'ask':
      return followPort4011(probe, wire, fetches, client, take)
  }
}

function withoutFile(findings: Finding[]): Followed {
  return { findings, namesFile: false }
}

function noFile(subject: Subject, client: Client, address: Offer): Finding {
  const server = serverOf(address)
  if (client.kind.transport === 'http' && !client.isIpxe)
    return pass(subject, `${server} offers no URL: firmware of this kind continues with PXE`)
  return fault(subject, 'BW-DHCP-NO-FILE', `${server} offers ${address.packet.yiaddr}, but no boot file`)
}

async function followPort4011(
  probe: Probe,
  wire: Pick<Wire, 'askBootServer'>,
  fetches: Fetches,
  client: Client,
  { offers, address }: Extract<Take, { step: 'ask' }>,
): Promise<Followed> {
  const silent: string[] = []
  for (const offer of offers.slice(0, 4)) {
    const { siaddr } = offer.packet
    const server = siaddr === '0.0.0.0' ? serverOf(offer) : siaddr
    const answer = isHostAddress(server) ? await wire.askBootServer(client, server) : undefined
    if (answer === undefined) {
      silent.push(server)
      continue
    }
    const take = takeAnswer(client, { ...answer, packet: { ...answer.packet, yiaddr: '0.0.0.0' } }, address)
    if (take.step === 'file') return followFile(probe, fetches, client, take)
    const subject = { check, where: `${server}, port 4011` }
    return withoutFile([fault(subject, 'BW-DHCP-NO-FILE', 'the answer on port 4011 names no boot file')])
  }
  const subject = { check, where: `${silent.join(', ')}, port 4011` }
  const [first] = offers
  if (first !== undefined && givesAddress(first))
    return withoutFile([
      fault(
        subject,
        'BW-DHCP-OPTION-60',
        `the offer of ${serverOf(first)} has option 60 "PXEClient", but port 4011 is silent`,
      ),
    ])
  return withoutFile([fault(subject, 'BW-PROXY-SILENT', 'the proxy offer has no boot file, and port 4011 is silent')])
}

async function followFile(probe: Probe, fetches: Fetches, client: Client, take: FileTake): Promise<Followed> {
  const tftp = /^tftp:\/\/([0-9.]+)(?::69)?\/+(.+)$/i.exec(take.file)
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(take.file)
  const server = tftp?.[1] ?? take.server
  const file = tftp?.[2] ?? take.file
  if (isUrl && tftp === null) {
    if (client.isIpxe) return withoutFile(await checkScript(probe, fetches, client, take))
    if (client.kind.transport === 'http') return withoutFile(await followHttpBoot(probe, fetches, client, take))
    const subject = { check, where: probe.device }
    const seen = `the boot file is the URL ${file}, which this firmware asks for by TFTP`
    return withoutFile([fault(subject, 'BW-NBP-MISSING', seen)])
  }
  return { findings: await followTftpName(probe, fetches, client, take, { server, file }), namesFile: !client.isIpxe }
}

/** A file name of TFTP, and the server that has the file. */
type TftpName = { server: string; file: string }

async function followTftpName(
  probe: Probe,
  fetches: Fetches,
  client: Client,
  take: FileTake,
  name: TftpName,
): Promise<Finding[]> {
  const subject = { check, where: `${name.server}, TFTP ${name.file}` }
  if (!isHostAddress(name.server))
    return [fault(subject, 'BW-NEXT-SERVER-ELSEWHERE', `${name.server} is not the address of another computer`)]
  if (client.isIpxe) return followIpxeName(fetches, client, subject, name)
  return followTftp(probe, fetches, client, take, subject, name)
}

/** iPXE with a file name of TFTP: a script is fine, a boot program is a loop. */
async function followIpxeName(
  fetches: Fetches,
  client: Client,
  subject: Subject,
  { server, file }: TftpName,
): Promise<Finding[]> {
  const result = await fetches.tftp(server, file)
  if (result.outcome === 'file' && isScript(result.bytes)) return [pass(subject, 'a script for iPXE')]
  // iPXE of 2021 and later, started by UEFI, fetches autoexec.ipxe before it asks DHCP (ipxe, efi_autoexec.c).
  if (client.kind.runs !== 'bios') {
    const autoexec = await fetches.tftp(server, 'autoexec.ipxe')
    if (autoexec.outcome === 'file' && isScript(autoexec.bytes))
      return [
        pass(subject, `iPXE runs autoexec.ipxe of ${server} before it asks DHCP, so it does not need this file name`),
      ]
  }
  return [fault(subject, 'BW-IPXE-LOOP', `iPXE gets "${file}", the same kind of file as the firmware before it`)]
}

function isScript(bytes: Buffer): boolean {
  return bytes.subarray(0, 6).toString('latin1') === '#!ipxe'
}

async function followTftp(
  probe: Probe,
  fetches: Fetches,
  client: Client,
  take: FileTake,
  subject: Subject,
  name: TftpName,
): Promise<Finding[]> {
  const { server, file } = name
  const result = await fetches.tftp(server, file)
  const elsewhere =
    isOwn(probe, server) === false ? judgeElsewhere(probe, subject, client, take, name, result) : undefined
  if (elsewhere !== undefined) return [elsewhere]
  if (result.outcome === 'file') return [judgeFile(probe, subject, client, file, result.bytes, result.blockSize)]
  if (result.outcome === 'stalled' && result.blockSize > smallBlockSize) {
    const small = await fetches.tftp(server, file, smallBlockSize)
    if (small.outcome === 'file')
      return [
        fault(
          subject,
          'BW-MTU',
          `with blocks of ${result.blockSize} bytes ${result.bytes} bytes arrive; with ${smallBlockSize} bytes the whole file`,
        ),
      ]
  }
  return [fault(subject, ...tftpFault(result))]
}

function tftpFault(result: Exclude<TftpResult, { outcome: 'file' }>): [Parameters<typeof fault>[1], string] {
  switch (result.outcome) {
    case 'refused':
      return ['BW-NBP-MISSING', `the server answers: ${result.message}`]
    case 'closed':
      return ['BW-TFTP-CLOSED', 'the host answers that UDP port 69 is closed']
    case 'answers-lost':
      return ['BW-TFTP-ANSWERS-BLOCKED', 'errors from port 69 arrive, but no packet from the port of a transfer']
    case 'stalled':
      return ['BW-TFTP-ANSWERS-BLOCKED', `the transfer began and stopped after ${result.bytes} bytes`]
    case 'silent':
      return ['BW-TFTP-BLOCKED', 'no answer at all, and no ICMP message']
  }
}

/** The server of the file is not Bootwright: a foreign proxy, or a wrong next server. The same program from a copy is fine. */
function judgeElsewhere(
  probe: Probe,
  subject: Subject,
  client: Client,
  { offer }: FileTake,
  { server, file }: TftpName,
  result: TftpResult,
): Finding | undefined {
  const from = serverOf(offer)
  if (!givesAddress(offer) && isOwn(probe, from) === false)
    return fault(subject, 'BW-FOREIGN-PROXY', `the firmware takes the offer of the proxyDHCP server ${from}`)
  const own = `Bootwright is at ${probe.server?.addresses.join(', ') ?? ''}`
  if (result.outcome === 'file') {
    const judged = judgeBootFile(result.bytes, file, client.kind, probe.server?.nbps ?? [])
    if (judged.own !== undefined) return undefined
    return fault(subject, 'BW-NEXT-SERVER-ELSEWHERE', `${server} serves ${judged.seen}. ${own}`, { state: 'warning' })
  }
  return fault(subject, 'BW-NEXT-SERVER-ELSEWHERE', `${server} does not serve the file (${result.outcome}). ${own}`)
}

function judgeFile(
  probe: Probe,
  subject: Subject,
  { kind }: Client,
  file: string,
  bytes: Buffer,
  blockSize?: number,
): Finding {
  const { code, seen } = judgeBootFile(bytes, file, kind, probe.server?.nbps ?? [])
  const how = blockSize === undefined || blockSize === firmwareBlockSize ? '' : `, in blocks of ${blockSize} bytes`
  return code === undefined ? pass(subject, `${seen}${how}`) : fault(subject, code, `${seen}${how}`)
}

async function followHttpBoot(probe: Probe, fetches: Fetches, client: Client, take: FileTake): Promise<Finding[]> {
  const subject = { check, where: take.file }
  const result = await fetches.httpFile(take.file, take.dnsServers)
  if (result.outcome === 'dns') return [fault(subject, 'BW-DNS', result.message)]
  if (result.outcome === 'failed') return [fault(subject, 'BW-HTTP-BLOCKED', result.message)]
  if (result.status !== 200)
    return [
      fault(
        subject,
        result.status === 403 ? 'BW-HTTP-REFUSED' : 'BW-NBP-MISSING',
        `the server answers ${result.status}`,
      ),
    ]
  if (result.isCut)
    return [
      fault(subject, 'BW-CHECK', `more than ${maxBootFileBytes} bytes, which were not read`, { state: 'unknown' }),
    ]
  return [judgeFile(probe, subject, client, new URL(take.file).pathname, result.bytes)]
}
