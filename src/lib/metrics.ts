// The metrics of a server, for Prometheus. The only file that imports prom-client.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Which listener a transfer or a request belongs to. */
export type MetricsListener = 'boot' | 'admin' | 'tftp'

/** Values that the database counts, read at a scrape. Absent names are absent in the scrape. */
export type CountedMetrics = {
  machines: { state: string; count: number }[]
  deployments: { state: string; count: number }[]
  rollouts: { state: string; count: number }[]
  openBoots: { stage: string; count: number }[]
  stalledBoots: number
  foreignServers: { role: string; count: number }[]
  damagedFiles: number
}

/** The sources of a scrape. */
export type MetricsSources = {
  databaseAnswers: () => Promise<boolean>
  /** Undefined if the database is away: then the values are left out, because old ones would look true. */
  counted: () => Promise<CountedMetrics | undefined>
  /** The number of boot events that wait for the database. */
  waitingEvents: () => number
  /** Bytes of the journal that wait for the database, and the records that it refused since the start. */
  journal: () => { waitingBytes: number; refused: number }
}

/** The metrics of one server. No function throws or waits; labels have few values, never a MAC, an address or a path. */
export type Metrics = {
  /** An HTTP request ended. `route`: the beginning of its path in the table of URLs, for example `/files`. */
  request: (listener: 'boot' | 'admin', route: string, status: number, seconds: number) => void
  transferStarted: (listener: MetricsListener) => void
  /** Bytes of a download were handed to the system. */
  transferBytes: (listener: MetricsListener, bytes: number) => void
  transferEnded: (listener: MetricsListener, result: string) => void
  /** A download was refused: all slots are taken. */
  transferRefused: (listener: MetricsListener) => void
  /** TFTP packets were retransmitted. */
  tftpRetransmissions: (count: number) => void
  /** A TFTP client asked only for the size. */
  tftpProbe: () => void
  /**
   * A DHCP packet was received. `kind`: `discover`, `request`, `inform` or `other`. `answer`: `offer`, `ack`, or the reason of no
   * answer, in at most 32 lower-case letters and hyphens.
   */
  dhcpPacket: (kind: string, answer: string) => void
  /** A machine got a refusal. `code`: `BW-…`, or undefined if the refusal has none. */
  refusal: (code: string | undefined) => void
  report: (kind: string) => void
  bootOpened: (firmware: string | undefined) => void
  bootEnded: (boot: { outcome: string; firmware: string | null | undefined; image: string | null | undefined }) => void
  /** A boot reached a stage. `seconds`: the time since its script. */
  stage: (stage: string, seconds: number) => void
  deploymentMoved: (state: string) => void
  /** Machines of rollouts reached a state. `action`: `deploy` or `assign`. */
  rolloutMachines: (action: string, counts: Partial<Record<string, number>>) => void
  /** A rollout took a step: `advance`, `withdraw`, `stop` or `finish`. */
  rolloutStep: (step: string) => void
  /** A look-up was answered from memory, because the database was away. */
  decidedAlone: () => void
  /** A statement or transaction ended. */
  query: (seconds: number, succeeded: boolean) => void
  /** A request to the admin listener was refused. The reason is its code, such as `BW-ACCESS-TOKEN`. */
  adminRefused: (reason: string) => void
  /** Sets what is read at a scrape. */
  read: (sources: MetricsSources) => void
  /** The text for Prometheus, version 0.0.4 of its format. */
  scrape: () => Promise<string>
}

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE

/** The values that a label of free text may have at most; further ones are counted as `other`. */
const maxLabelValues = 64
const stageBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200]
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The lists are values of labels whose counters begin at 0. */
export type MetricsOptions = {
  version?: string
  /** The images with a label of their own: those that booted last. 0: no metric by image. */
  maxImages?: number
  outcomes?: readonly string[]
  deploymentStates?: readonly string[]
  reports?: readonly string[]
}

/** Creates the metrics of one server; several servers in one process share only the metrics of the process. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { version = '', maxImages = 50 } = options
  const registry = new Registry()
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter<Label>({ name: `bootwright_${name}`, help, labelNames, registers })
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name: `bootwright_${name}`, help, labelNames, registers })
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], ...labelNames: Label[]) =>
    new Histogram<Label>({ name: `bootwright_${name}`, help, buckets, labelNames, registers })

  const requests = counter('http_requests_total', 'HTTP requests.', 'listener', 'route', 'status')
  const requestSeconds = histogram('http_request_seconds', 'Duration of HTTP requests.', requestBuckets, 'listener')
  const transfers = counter('transfers_total', 'Downloads that ended, by result.', 'listener', 'result')
  const transferBytes = counter('transfer_bytes_total', 'Bytes of downloads handed to the system.', 'listener')
  const activeTransfers = gauge('transfers_active', 'Running downloads.', 'listener')
  const refusedTransfers = counter('transfers_refused_total', 'Downloads refused for lack of a slot.', 'listener')
  const retransmissions = counter('tftp_retransmissions_total', 'Retransmitted TFTP packets.')
  const probes = counter('tftp_probes_total', 'TFTP requests for only the size of a file.')
  const dhcpPackets = counter('dhcp_packets_total', 'DHCP packets received, by answer.', 'kind', 'answer')
  const foreign = gauge('dhcp_foreign_servers', 'Unacknowledged DHCP and boot servers on the network.', 'role')
  const refusals = counter('refusals_total', 'Refusals on the screens of machines.', 'code')
  const reports = counter('reports_total', 'Reports of machines.', 'kind')
  const opened = counter('boots_started_total', 'Boots that were opened.', 'firmware')
  const ended = counter(
    'boots_total',
    'Outcomes of boots. A stalled boot may get another outcome later.',
    'outcome',
    'firmware',
  )
  const imageBoots = counter('image_boots_total', 'Outcomes of boots, by image.', 'image', 'outcome')
  const stages = histogram('boot_stage_seconds', 'Seconds from the script of a boot to a stage.', stageBuckets, 'stage')
  const openBoots = gauge('boots_open', 'Boots in progress, by their last stage.', 'stage')
  const stalled = gauge('boots_stalled', 'Stalled boots among the newest 10,000.')
  const moves = counter('deployment_moves_total', 'Moves of deployments, by their new state.', 'state')
  const deployments = gauge('deployments', 'Deployments.', 'state')
  const rollouts = gauge('rollouts', 'Rollouts that have not ended.', 'state')
  const rolloutMachines = counter(
    'rollout_machines_total',
    'Machines of rollouts, by their new state.',
    'action',
    'state',
  )
  const rolloutSteps = counter('rollout_steps_total', 'Steps of rollouts.', 'step')
  const machines = gauge('machines', 'Machines.', 'state')
  const databaseUp = gauge('database_up', '1 if the database answers.')
  const querySeconds = histogram('database_query_seconds', 'Duration of statements and transactions.', requestBuckets)
  const queryErrors = counter('database_query_errors_total', 'Statements and transactions that failed.')
  const alone = counter('decisions_without_database_total', 'Decisions made while the database was away.')
  const waiting = gauge('spool_events', 'Boot events that wait for the database.')
  const journalBytes = gauge('journal_bytes', 'Bytes of the journal that wait for the database.')
  const journalRefused = counter(
    'journal_refused_total',
    'Records refused, because the journal is full or cannot be written.',
  )
  const damaged = gauge('image_files_damaged', 'Stored files that are damaged.')
  const adminRefusals = counter('audit_refused_total', 'Refused requests to the admin listener.', 'reason')
  gauge('build_info', 'Always 1. The labels describe the program.', 'version', 'node').set(
    { version, node: process.version },
    1,
  )
  // Counters begin with 0: otherwise Prometheus misses the first increase of each.
  for (const listener of ['boot', 'tftp'] as const) {
    transferBytes.inc({ listener }, 0)
    refusedTransfers.inc({ listener }, 0)
    activeTransfers.set({ listener }, 0)
  }
  for (const reason of ['BW-ACCESS-TOKEN', 'BW-ACCESS-ROLE', 'BW-SIGN-IN', 'BW-SIGN-IN-LOCKED', 'BW-SIGN-IN-RATE'])
    adminRefusals.inc({ reason }, 0)
  for (const state of options.deploymentStates ?? []) moves.inc({ state }, 0)
  for (const step of ['advance', 'withdraw', 'stop', 'finish']) rolloutSteps.inc({ step }, 0)
  for (const kind of options.reports ?? []) reports.inc({ kind }, 0)
  for (const firmware of ['pcbios', 'efi', 'unknown']) {
    opened.inc({ firmware }, 0)
    for (const outcome of options.outcomes ?? []) ended.inc({ outcome, firmware }, 0)
  }

  const route = createLabel()
  const result = createLabel()
  const answer = createLabel()
  const code = createLabel()
  const outcomes = new Set<string>()
  const images = createRecentLabels(maxImages, (image) => {
    for (const outcome of outcomes) imageBoots.remove({ image, outcome })
  })
  let sources: MetricsSources | undefined
  const refresh = async () => {
    if (sources === undefined) return
    const { databaseAnswers, counted, waitingEvents, journal } = sources
    waiting.set(waitingEvents())
    const { waitingBytes, refused } = journal()
    journalBytes.set(waitingBytes)
    journalRefused.reset()
    journalRefused.inc(refused)
    const answers = await databaseAnswers().catch(() => false)
    databaseUp.set(answers ? 1 : 0)
    const values = answers ? await counted().catch(() => undefined) : undefined
    const fill = (gauge: Gauge<string>, name: string, rows: Record<string, string | number>[] = []) => {
      gauge.reset()
      for (const row of rows) gauge.set({ [name]: String(row[name]) }, Number(row.count))
    }
    fill(machines, 'state', values?.machines)
    fill(deployments, 'state', values?.deployments)
    fill(rollouts, 'state', values?.rollouts)
    fill(openBoots, 'stage', values?.openBoots)
    fill(foreign, 'role', values?.foreignServers)
    stalled.remove()
    damaged.remove()
    if (values === undefined) return
    stalled.set(values.stalledBoots)
    damaged.set(values.damagedFiles)
  }

  return {
    request: (listener, path, status, seconds) => {
      requests.inc({ listener, route: route(path), status: `${Math.floor(status / 100)}xx` })
      requestSeconds.observe({ listener }, seconds)
    },
    transferStarted: (listener) => activeTransfers.inc({ listener }),
    transferBytes: (listener, bytes) => transferBytes.inc({ listener }, bytes),
    transferEnded: (listener, outcome) => {
      activeTransfers.dec({ listener })
      transfers.inc({ listener, result: result(outcome) })
    },
    transferRefused: (listener) => refusedTransfers.inc({ listener }),
    tftpRetransmissions: (count) => retransmissions.inc(count),
    tftpProbe: () => probes.inc(),
    dhcpPacket: (kind, given) =>
      dhcpPackets.inc({
        kind: ['discover', 'request', 'inform'].includes(kind) ? kind : 'other',
        answer: answer(given),
      }),
    refusal: (given) => refusals.inc({ code: given === undefined ? 'none' : code(given) }),
    report: (kind) => reports.inc({ kind }),
    bootOpened: (firmware) => opened.inc({ firmware: firmware ?? 'unknown' }),
    bootEnded: ({ outcome, firmware, image }) => {
      ended.inc({ outcome, firmware: firmware ?? 'unknown' })
      if (image === undefined || image === null || !images.use(image)) return
      outcomes.add(outcome)
      imageBoots.inc({ image, outcome })
    },
    stage: (stage, seconds) => stages.observe({ stage }, Math.max(0, seconds)),
    deploymentMoved: (state) => moves.inc({ state }),
    rolloutMachines: (action, counts) => {
      for (const [state, count = 0] of Object.entries(counts)) rolloutMachines.inc({ action, state }, count)
    },
    rolloutStep: (step) => rolloutSteps.inc({ step }),
    decidedAlone: () => alone.inc(),
    query: (seconds, succeeded) => {
      querySeconds.observe(seconds)
      if (!succeeded) queryErrors.inc()
    },
    adminRefused: (reason) => adminRefusals.inc({ reason }),
    read: (given) => {
      sources = given
    },
    scrape: async () => {
      await refresh()
      const [own, shared] = await Promise.all([registry.metrics(), processRegistry().metrics()])
      return `${own}\n${shared}`
    },
  }
}

let shared: Registry | undefined

// The library can neither stop nor repeat these: a timer for the lag of the event loop and an observer of garbage collection.
function processRegistry(): Registry {
  if (shared === undefined) {
    shared = new Registry()
    collectDefaultMetrics({ register: shared })
    // Gauges whose names end like those of counters, which promtool refuses. The metrics without `_total` count the same by type.
    for (const name of ['handles', 'requests', 'resources']) shared.removeSingleMetric(`nodejs_active_${name}_total`)
  }
  return shared
}

/** Returns the value if it is plain and among the first `maxLabelValues`; otherwise `other`. */
function createLabel(): (value: string) => string {
  const values = new Set<string>()
  return (value) => {
    if (values.has(value)) return value
    if (values.size >= maxLabelValues || !/^[\w/.-]{1,40}$/.test(value)) return 'other'
    values.add(value)
    return value
  }
}

/** The label values that were used last. `remove` removes the series of an evicted value. */
function createRecentLabels(max: number, remove: (value: string) => void) {
  const recent = new Set<string>()
  return {
    /** False if no value has a label. */
    use: (value: string): boolean => {
      if (max === 0) return false
      if (!recent.delete(value) && recent.size >= max) {
        const [oldest = ''] = recent
        recent.delete(oldest)
        remove(oldest)
      }
      recent.add(value)
      return true
    },
  }
}
