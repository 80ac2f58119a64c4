// Checks the URL that iPXE gets, the script behind it, and the URLs in the script.
import { isIP } from 'node:net'
import { type Finding, fault, pass, type Subject } from '../finding.ts'
import type { Fetches } from './fetches.ts'
import type { Client, Take } from './firmware-takes.ts'
import type { HttpResult } from './http.ts'
import { isOwn, type Probe } from './probe.ts'

type FileTake = Extract<Take, { step: 'file' }>

/** A machine that Bootwright does not know, for the script of a probe. */
const unknownMac = '02-00-00-00-00-00'
const maxUrls = 16

/** The scripts that iPXE fetches: the bootstrap that DHCP names, and the script for a machine. */
export async function checkScript(
  probe: Probe,
  fetches: Fetches,
  client: Client,
  { file, dnsServers }: Pick<FileTake, 'file' | 'dnsServers'>,
): Promise<Finding[]> {
  const first = { check: 'script', where: file }
  const result = await fetches.http(file, dnsServers)
  const failed = judgeFetch(probe, first, result, file)
  if (failed?.code === 'BW-BASE-URL' && isMissingHere(probe, result, file))
    return [fault(first, 'BW-NBP-MISSING', 'Bootwright answers 404: the DHCP server names a wrong path')]
  if (failed !== undefined) return [failed]
  const text = textOf(result)
  const [, chained] = /^chain .*?(\S*\/ipxe\?\S*)/m.exec(text) ?? []
  if (chained === undefined) return [pass(first, 'a script for iPXE, not the bootstrap of Bootwright')]
  const base = new URL(chained.replace(/\$\{[^}]*\}/g, ''), file)
  const own = scriptUrl(base, client, probe.mac)
  const second = { check: 'script of the machine', where: own }
  const script = await fetches.http(own, dnsServers)
  const failedOwn = judgeFetch(
    probe,
    second,
    script,
    own,
    base.origin === new URL(file).origin ? undefined : 'BW-BASE-URL',
  )
  if (failedOwn !== undefined) return [pass(first, 'the bootstrap of Bootwright'), failedOwn]
  return [
    pass(first, 'the bootstrap of Bootwright'),
    ...(await checkUrls(fetches, second, textOf(script), own, dnsServers)),
  ]
}

/** The URL of a preview: only iPXE opens a boot. */
function scriptUrl(base: URL, { kind }: Client, mac = unknownMac): string {
  const platform = kind.runs === 'bios' ? 'pcbios' : 'efi'
  const arch = kind.runs === 'arm64' ? 'arm64' : 'x86_64'
  const buildarch = kind.runs === 'bios' ? 'i386' : arch
  const query = { mac: mac.replaceAll(':', '-'), platform, buildarch, cpuarch: arch }
  return `${base.origin}${base.pathname}?${new URLSearchParams(query)}`
}

/** The files and documents that a script names: each must be there. */
async function checkUrls(
  fetches: Fetches,
  subject: Subject,
  script: string,
  scriptUrl: string,
  dnsServers: readonly string[],
): Promise<Finding[]> {
  const named = [...script.matchAll(/^(?:kernel|initrd|imgfetch|chain|module|sanboot)\b.*$/gm)].flatMap(([line]) =>
    urlsOf(line, scriptUrl),
  )
  const urls = [...new Set(named)].slice(0, maxUrls)
  const findings: Finding[] = []
  for (const url of urls) {
    const where = { ...subject, where: url }
    const result = await fetches.http(url, dnsServers, 'HEAD')
    if (result.outcome === 'dns') findings.push(fault(where, 'BW-DNS', result.message))
    else if (result.outcome === 'failed') findings.push(fault(where, 'BW-BASE-URL', result.message))
    else if (result.status === 404 || result.status === 410)
      findings.push(fault(where, 'BW-FILE-MISSING', `the server answers ${result.status}`))
    else if (result.status >= 400 && result.status !== 405)
      findings.push(fault(where, 'BW-FILE-DAMAGED', `the server answers ${result.status}`))
  }
  if (findings.length > 0) return findings
  const files = urls.length === 0 ? 'it names no files' : `all ${urls.length} files that it names are there`
  return [pass(subject, `a script for iPXE; ${files}`)]
}

/** URLs of a line, without those of a boot's token, which a preview does not have. */
function urlsOf(line: string, scriptUrl: string): string[] {
  return line
    .split(/\s+/)
    .filter((word) => /^(?:https?:\/\/|\/)/.test(word) && !word.includes('${') && !word.includes('/b/preview'))
    .filter((word) => URL.canParse(word, scriptUrl))
    .map((word) => new URL(word, scriptUrl).href)
}

/** The fault of a fetched script; undefined if it is a script. */
function judgeFetch(
  probe: Probe,
  subject: Subject,
  result: HttpResult,
  url: string,
  unreachable?: 'BW-BASE-URL',
): Finding | undefined {
  const { hostname } = new URL(url)
  const isElsewhere = isIP(hostname) !== 0 && isOwn(probe, hostname) === false
  if (result.outcome === 'dns') return fault(subject, 'BW-DNS', result.message)
  if (result.outcome === 'failed') {
    if (unreachable !== undefined)
      return fault(subject, unreachable, `the URL in the bootstrap fails: ${result.message}`)
    return fault(subject, isElsewhere ? 'BW-NEXT-SERVER-ELSEWHERE' : 'BW-HTTP-BLOCKED', result.message)
  }
  if (result.status === 403) return fault(subject, 'BW-HTTP-REFUSED', 'the server answers 403')
  if (result.status === 200 && textOf(result).startsWith('#!ipxe')) return undefined
  const seen = result.status === 200 ? 'an answer that is not a script for iPXE' : `the server answers ${result.status}`
  return fault(subject, 'BW-BASE-URL', `${seen}: another service, or a wrong path`)
}

/** Whether Bootwright itself does not have this path. The fault is then in the DHCP server, which named the URL. */
function isMissingHere(probe: Probe, result: HttpResult, url: string): boolean {
  return result.outcome === 'answer' && result.status === 404 && isOwn(probe, new URL(url).hostname) === true
}

function textOf(result: HttpResult): string {
  return result.outcome === 'answer' ? result.bytes.toString('utf8') : ''
}
