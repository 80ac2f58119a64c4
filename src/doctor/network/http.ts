// Fetches URLs as a machine does: from the address of the interface, with the DNS servers that DHCP gave.
import { Resolver } from 'node:dns/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { messageOf } from '../../lib/errors.ts'
import { isHostAddress } from '../../lib/subnet.ts'

/**
 * How a fetch ended. `dns`: the host name has no address. `failed`: no answer of an HTTP server. `isCut`: the body has more bytes
 * than were read.
 */
export type HttpResult =
  | { outcome: 'answer'; status: number; headers: IncomingHttpHeaders; bytes: Buffer; isCut: boolean }
  | { outcome: 'dns'; message: string }
  | { outcome: 'failed'; message: string }

export type HttpOptions = {
  method?: 'GET' | 'HEAD'
  /** The own address on the interface, for a URL from the network. Undefined: a URL from the settings. */
  localAddress?: string | undefined
  /** The DNS servers of the machine; undefined: those of this computer. */
  dnsServers?: readonly string[] | undefined
  maxMs?: number
  maxBytes?: number
  signal?: AbortSignal | undefined
}

const defaultMaxMs = 4000
const defaultMaxBytes = 2 * 2 ** 20

/** Fetches a URL without following redirects. Bodies past `maxBytes` are cut. Never throws. */
export async function fetchHttp(text: string, options: HttpOptions = {}): Promise<HttpResult> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return { outcome: 'failed', message: 'not a URL of HTTP' }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const address = isIP(host) !== 0 ? host : await resolveName(host, options)
  if (typeof address !== 'string') return address
  // A DHCP server must not lead the doctor to the services that this computer offers only to itself.
  if (options.localAddress !== undefined && !isHostAddress(address))
    return { outcome: 'failed', message: `${address} is not the address of another computer` }
  return exchange(url, address, options)
}

async function resolveName(host: string, { dnsServers, localAddress }: HttpOptions): Promise<string | HttpResult> {
  if (dnsServers?.length === 0) return { outcome: 'dns', message: 'DHCP gives no DNS server (option 6)' }
  const resolver = new Resolver({ timeout: 1000, tries: 2 })
  if (dnsServers !== undefined) resolver.setServers(dnsServers.slice(0, 3))
  if (localAddress !== undefined) resolver.setLocalAddress(localAddress)
  try {
    const [address] = await resolver.resolve4(host)
    return address ?? { outcome: 'dns', message: `${host} has no IPv4 address` }
  } catch (error) {
    return { outcome: 'dns', message: `${host}: ${messageOf(error)}` }
  }
}

function exchange(url: URL, address: string, options: HttpOptions): Promise<HttpResult> {
  const { method = 'GET', localAddress, maxMs = defaultMaxMs, maxBytes = defaultMaxBytes, signal } = options
  return new Promise((resolve) => {
    const secure = url.protocol === 'https:'
    // iPXE and EDK2 have their own roots of trust, so the certificate is not judged here.
    const request = (secure ? httpsRequest : httpRequest)({
      ...{ host: address, port: url.port || (secure ? 443 : 80), path: `${url.pathname}${url.search}`, method },
      headers: { host: url.host, 'user-agent': 'bootwright-doctor' },
      ...(localAddress !== undefined && { localAddress }),
      ...(secure && { servername: isIP(url.hostname) === 0 ? url.hostname : '', rejectUnauthorized: false }),
      agent: false,
      ...(signal !== undefined && { signal }),
    })
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${maxMs / 1000} s`)), maxMs)
    const end = (result: HttpResult) => {
      clearTimeout(timer)
      resolve(result)
      request.destroy()
    }
    request.on('error', (error) => end({ outcome: 'failed', message: messageOf(error) }))
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let total = 0
      const answer = () =>
        end({
          outcome: 'answer',
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes: Buffer.concat(chunks).subarray(0, maxBytes),
          isCut: total > maxBytes,
        })
      response.on('data', (bytes: Buffer) => {
        chunks.push(bytes)
        total += bytes.length
        if (total > maxBytes) answer()
      })
      response.on('end', answer)
      response.on('error', (error) => end({ outcome: 'failed', message: messageOf(error) }))
    })
    request.end()
  })
}
