import { describe, expect, test } from 'vitest'
import { createMetrics } from '../../src/lib/metrics.ts'

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string) =>
  (await metrics.scrape()).split('\n').filter((line) => line.startsWith(`bootwright_${name}`))

describe('metrics', () => {
  test('of several servers in one process are separate', async () => {
    const first = createMetrics()
    const second = createMetrics()
    first.report('ready')
    expect(await linesOf(first, 'reports_total')).toEqual(['bootwright_reports_total{kind="ready"} 1'])
    expect(await linesOf(second, 'reports_total')).toEqual([])
  })

  test('have a label for the images that booted last, and remove the oldest', async () => {
    const metrics = createMetrics({ maxImages: 2 })
    for (const image of ['a', 'b', 'a', 'c', 'a']) metrics.bootEnded({ outcome: 'booted', firmware: 'efi', image })
    expect(await linesOf(metrics, 'image_boots_total')).toEqual([
      'bootwright_image_boots_total{image="a",outcome="booted"} 3',
      'bootwright_image_boots_total{image="c",outcome="booted"} 1',
    ])
    const without = createMetrics({ maxImages: 0 })
    without.bootEnded({ outcome: 'booted', firmware: 'efi', image: 'a' })
    expect(await linesOf(without, 'image_boots_total')).toEqual([])
    expect(await linesOf(without, 'boots_total')).toEqual(['bootwright_boots_total{outcome="booted",firmware="efi"} 1'])
  })

  test('bound labels of free text in number and form', async () => {
    const metrics = createMetrics()
    for (let n = 0; n < 500; n++) metrics.dhcpPacket('discover', `reason-${n}`)
    for (const hostile of ['52:54:00:12:34:56', 'a"b\n', 'x'.repeat(500), '']) metrics.dhcpPacket(hostile, hostile)
    metrics.refusal('BW-DENIED')
    metrics.refusal(undefined)
    const lines = await linesOf(metrics, 'dhcp_packets_total')
    expect(lines).toHaveLength(66)
    expect(lines).toContain('bootwright_dhcp_packets_total{kind="other",answer="other"} 4')
    expect(await linesOf(metrics, 'refusals_total')).toEqual([
      'bootwright_refusals_total{code="BW-DENIED"} 1',
      'bootwright_refusals_total{code="none"} 1',
    ])
  })

  test('leave out what the database counts while it is away', async () => {
    const metrics = createMetrics()
    let answers = true
    const values = {
      deployments: [],
      rollouts: [{ state: 'stopped', count: 1 }],
      openBoots: [],
      stalledBoots: 3,
      foreignServers: [],
      damagedFiles: 2,
    }
    metrics.read({
      databaseAnswers: async () => answers,
      counted: async () => ({ ...values, machines: [{ state: 'entered', count: 5 }] }),
      waitingEvents: () => 4,
      journal: () => ({ waitingBytes: 2048, refused: 3 }),
    })
    expect(await linesOf(metrics, 'machines')).toEqual(['bootwright_machines{state="entered"} 5'])
    expect(await linesOf(metrics, 'boots_stalled')).toEqual(['bootwright_boots_stalled 3'])
    answers = false
    expect(await linesOf(metrics, 'machines')).toEqual([])
    expect(await linesOf(metrics, 'database_up')).toEqual(['bootwright_database_up 0'])
    expect(await linesOf(metrics, 'image_files_damaged')).toEqual([])
    expect(await linesOf(metrics, 'spool_events')).toEqual(['bootwright_spool_events 4'])
    expect(await linesOf(metrics, 'journal_bytes')).toEqual(['bootwright_journal_bytes 2048'])
    // A second look counts no record twice.
    expect(await linesOf(metrics, 'journal_refused_total')).toEqual(['bootwright_journal_refused_total 3'])
  })
})
