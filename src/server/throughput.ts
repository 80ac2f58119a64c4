// The bytes that this server sends, counted for a chart.
import type { Metrics } from '../lib/metrics.ts'
import { createThroughput, type Throughput } from '../lib/time/throughput.ts'

export type SentBytes = { boot: Throughput; tftp: Throughput }

/** Metrics that also count the bytes of downloads for a chart of the last minutes. */
export function withThroughput(metrics: Metrics): { metrics: Metrics; sentBytes: SentBytes } {
  const sentBytes: SentBytes = { boot: createThroughput(), tftp: createThroughput() }
  const transferBytes: Metrics['transferBytes'] = (listener, bytes) => {
    metrics.transferBytes(listener, bytes)
    if (listener !== 'admin') sentBytes[listener].add(bytes)
  }
  return { metrics: { ...metrics, transferBytes }, sentBytes }
}
