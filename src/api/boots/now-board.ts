// The document of this moment: computed at most once a second for all that ask or follow, and never for nobody.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../db/open.ts'
import type { Doctor } from '../../doctor/doctor.ts'
import type { DoctorReport } from '../../doctor/finding.ts'
import { bootingOf } from '../../inventory/boots/now/booting.ts'
import { countOutcomes, type OutcomeCounts } from '../../inventory/boots/now/figures.ts'
import { createFindParts, emptyParts, type NowParts } from '../../inventory/boots/now/parts.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { inTime } from '../../lib/time/in-time.ts'
import { kept } from '../../lib/time/kept.ts'
import type { ThroughputChart } from '../../lib/time/throughput.ts'
import { findFinding } from '../../model/findings/table.ts'
import type { RunningDownload } from '../../model/timeline/downloads.ts'
import type { Gap } from '../../model/timeline/timeline.ts'
import { withoutNulls } from '../http/page.ts'
import type { NowDocument } from '../schemas/boots/now.ts'
import { summaryOf } from './boots.ts'

/** What the server knows in memory: downloads and bytes. */
export type LiveSources = {
  downloads: () => RunningDownload[]
  throughput: { boot: () => ThroughputChart; tftp: () => ThroughputChart }
}

export type NowBoard = {
  /** @param utcOffset minutes east of UTC: where the day of the outcomes begins */
  find: (utcOffset: number) => Promise<NowDocument>
  /**
   * The document as JSON, whenever it changed, at most once a second; undefined if nothing changed for 15 s. Ends when the signal
   * is aborted. Undefined when too many follow already.
   */
  follow: (utcOffset: number, signal: AbortSignal) => AsyncGenerator<string | undefined> | undefined
  stop: () => void
}

type Current = { document: NowDocument; json: string; fingerprint: string }

const keptMs = 1000
const outcomesKeptMs = 5000
/** The page waits no longer for the database than a person waits for the page. */
const databaseMs = 2000
const idleMs = 15_000
const maxFollowers = 100
const maxFindings = 50
const maxOffsets = 16

export function createNowBoard({
  db,
  doctor,
  live,
  log,
}: {
  db: Db
  doctor: Pick<Doctor, 'last' | 'checked'>
  live: LiveSources
  log: Logger
}): NowBoard {
  const stopped = new AbortController()
  const findParts = createFindParts(db)
  let lastParts: NowParts = emptyParts
  let followers = 0

  const base = kept(keptMs, async () => {
    const found = await answerOf(findParts())
    if (found !== undefined) lastParts = found
    return {
      ...documentOf(lastParts, live, doctor, new Date()),
      database: found === undefined ? 'away' : 'here',
    } as const
  })
  const answerOf = <Result>(answer: Promise<Result>) =>
    inTime(answer, databaseMs).catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'the page of this moment could not read the database')
      return undefined
    })

  const byOffset = new Map<number, () => Promise<Current>>()
  const currentOf = (utcOffset: number) => {
    const present = byOffset.get(utcOffset)
    if (present !== undefined) return present
    const outcomes = kept(outcomesKeptMs, async (): Promise<NowDocument['outcomes']> => {
      const since = startOfDay(new Date(), utcOffset)
      const counts = await answerOf(countOutcomes(db, since))
      return { since, ...(counts && { counts: namesOf(counts) }) }
    })
    const current = kept(keptMs, async (): Promise<Current> => {
      const document: NowDocument = { ...(await base()), outcomes: await outcomes() }
      return { document, json: JSON.stringify(document), fingerprint: fingerprintOf(document) }
    })
    if (byOffset.size >= maxOffsets) byOffset.delete([...byOffset.keys()][0] ?? 0)
    byOffset.set(utcOffset, current)
    return current
  }

  async function* textsOf(utcOffset: number, gone: AbortSignal) {
    followers += 1
    const signal = AbortSignal.any([gone, stopped.signal])
    let sent: string | undefined
    let sentAt = 0
    try {
      while (!signal.aborted) {
        const { json, fingerprint } = await currentOf(utcOffset)()
        if (signal.aborted) return
        if (fingerprint !== sent) {
          sent = fingerprint
          sentAt = performance.now()
          yield json
        } else if (performance.now() - sentAt >= idleMs) {
          sentAt = performance.now()
          yield undefined
        }
        await sleep(keptMs, undefined, { signal }).catch(() => undefined)
      }
    } finally {
      followers -= 1
    }
  }

  return {
    find: async (utcOffset) => (await currentOf(utcOffset)()).document,
    follow: (utcOffset, signal) => (followers >= maxFollowers ? undefined : textsOf(utcOffset, signal)),
    stop: () => stopped.abort(),
  }
}

/** Pure: everything but the outcomes. */
function documentOf(parts: NowParts, live: LiveSources, doctor: Pick<Doctor, 'last' | 'checked'>, now: Date) {
  const downloads = live.downloads()
  const booting = bootingOf(parts.open, downloads, now)
  const matched = new Set(booting.map(({ download }) => download))
  const others = downloads.filter((download) => !matched.has(download))
  const last = doctor.last()
  const checks = doctor.checked()
  return {
    servedAt: now,
    booting: {
      items: booting.map(({ boot, download, stalled, gap }) => ({
        ...summaryOf(boot),
        ...(download && { download: downloadOf(download) }),
        ...(stalled && { stalled: causeOf(stalled) }),
        ...(gap && { gap: causeOf(gap) }),
      })),
      more: parts.open.more,
    },
    firmware: {
      items: parts.firmware.items.map(({ gap, ...seen }) => ({ ...seen, ...(gap && { gap: causeOf(gap) }) })),
      more: parts.firmware.more,
    },
    downloads: others.slice(0, maxFindings).map((download) => ({ ...downloadOf(download), address: download.address })),
    bootTimes: parts.bootTimes,
    deployments: parts.batches,
    throughput: { boot: live.throughput.boot(), tftp: live.throughput.tftp() },
    findings: {
      ...(checks && { server: problemsOf(checks) }),
      ...(last && { doctor: problemsOf(last) }),
      foreignServers: parts.foreignServers.map((server) => withoutNulls(server)),
      conflicts: parts.conflicts,
    },
  }
}

function downloadOf({ boot: _, address: __, bytesPerSecond, ...download }: RunningDownload) {
  return { ...download, ...(bytesPerSecond !== undefined && { bytesPerSecond }) }
}

function causeOf({ text, code, at }: Gap) {
  const title = code === undefined ? undefined : findFinding(code)?.title
  return { text, at, ...(code !== undefined && { code }), ...(title !== undefined && { title }) }
}

/** The report with its problems only. */
function problemsOf({ findings, ...report }: DoctorReport) {
  return { ...report, findings: findings.filter(({ state }) => state !== 'ok').slice(0, maxFindings) }
}

function namesOf({ 'handed-over': handedOver, ...counts }: OutcomeCounts) {
  return { ...counts, handedOver }
}

/** The start of the day at an offset from UTC. */
export function startOfDay(now: Date, utcOffset: number): Date {
  const shiftMs = utcOffset * 60_000
  const dayMs = 86_400_000
  return new Date(Math.floor((now.getTime() + shiftMs) / dayMs) * dayMs - shiftMs)
}

/** The document without what changes with the clock alone. */
function fingerprintOf({ servedAt: _, throughput, ...document }: NowDocument): string {
  const isQuiet = [throughput.boot, throughput.tftp].every(({ points }) => points.every((point) => point === 0))
  return JSON.stringify(isQuiet ? document : { ...document, throughput })
}
