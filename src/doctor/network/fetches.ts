// The fetches of a probe: each file once, although several kinds of firmware take the same file.
import { maxBootFileBytes } from './boot-file.ts'
import { fetchHttp, type HttpResult } from './http.ts'
import type { Probe } from './probe.ts'
import { explainSilence, fetchTftp, firmwareBlockSize, type Silence, type TftpResult } from './tftp.ts'

export type Fetches = {
  tftp: (server: string, file: string, blockSize?: number) => Promise<TftpResult>
  /** A script, or the headers of a file. */
  http: (url: string, dnsServers: readonly string[], method?: 'GET' | 'HEAD') => Promise<HttpResult>
  /** A boot program. */
  httpFile: (url: string, dnsServers: readonly string[]) => Promise<HttpResult>
}

/** After the signal of the probe aborts, no fetch begins. */
export function createFetches({
  address,
  tftpPatience,
  signal,
}: Pick<Probe, 'address' | 'tftpPatience' | 'signal'>): Fetches {
  const files = new Map<string, Promise<TftpResult>>()
  const silences = new Map<string, Promise<Silence>>()
  const explain = (server: string) => once(silences, server, () => explainSilence(server))
  const pages = new Map<string, Promise<HttpResult>>()
  return {
    tftp: async (server, file, blockSize = firmwareBlockSize) =>
      signal?.aborted
        ? { outcome: 'silent' }
        : once(files, `${server} ${blockSize} ${file}`, () =>
            fetchTftp(server, file, tftpPatience, blockSize, explain),
          ),
    http: (url, dnsServers, method = 'GET') =>
      once(pages, `${method} ${url} ${dnsServers.join()}`, () =>
        fetchHttp(url, { method, localAddress: address, dnsServers, signal }),
      ),
    httpFile: (url, dnsServers) =>
      once(pages, `file ${url} ${dnsServers.join()}`, () =>
        fetchHttp(url, { localAddress: address, dnsServers, maxBytes: maxBootFileBytes, signal }),
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
