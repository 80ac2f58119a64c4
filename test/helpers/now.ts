import type { LiveSources } from '../../src/api/boots/now-board.ts'
import { createThroughput } from '../../src/lib/time/throughput.ts'

/** A server that sends nothing. */
export function quietSources(): LiveSources {
  const { chart } = createThroughput()
  return { downloads: () => [], throughput: { boot: chart, tftp: chart } }
}
