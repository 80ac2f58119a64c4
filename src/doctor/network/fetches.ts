// The fetches of a probe: each file once, although several kinds of firmware take the same file.
import { fetchHttp, type HttpResult } from './http.ts'
import type { Probe } from './probe.ts'
import { explainSilence, fetchTftp, firmwareBlockSize, type Silence, type TftpResult } from './tftp.ts'

export type Fetches = {
  tftp: (server: string, file: string, blockSize?: number) => Promise<TftpResult>
  http: (url: string, dnsServers: readonly string[] | undefined, method?: 'GET' | 'HEAD') => Promise<HttpResult>
}

const maxNbpBytes = 64 * 2 ** 20

export function createFetches({ address, tftpPatience }: Pick<Probe, 'address' | 'tftpPatience'>): Fetches {
  const files = new Map<string, Promise<TftpResult>>()
  const silences = new Map<string, Promise<Silence>>()
  const explain = (server: string) => once(silences, server, () => explainSilence(server))
  const pages = new Map<string, Promise<HttpResult>>()
  return {
    tftp: (server, file, blockSize = firmwareBlockSize) =>
      once(files, `${server} ${blockSize} ${file}`, () => fetchTftp(server, file, tftpPatience, blockSize, explain)),
    http: (url, dnsServers, method = 'GET') =>
      once(pages, `${method} ${url} ${dnsServers?.join() ?? ''}`, () =>
        fetchHttp(url, { method, localAddress: address, dnsServers, maxBytes: maxNbpBytes }),
      ),
  }
}

function once<T>(kept: Map<string, Promise<T>>, key: string, fetch: () => Promise<T>): Promise<T> {
  const before = kept.get(key)
  if (before !== undefined) return before
  const fetching = fetch()
  kept.set(key, fetching)
  return fetching
}
