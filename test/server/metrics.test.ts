import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { bootFakeMachine } from '../../scripts/fakes/fake-machine.ts'
import { enterSite, fakeMachine } from '../../scripts/fakes/fake-site.ts'
import { startPrometheus } from '../../scripts/servers/prometheus.ts'
import { loadConfig } from '../../src/config/config.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import { type RunningServer, startServer } from '../../src/server/server.ts'
import { putTestDatabase } from '../helpers/database.ts'
import { hasTool } from '../helpers/needs.ts'

const rulesFile = join(programDir, 'packaging/prometheus-alerts.yaml')
const hasPrometheus = hasTool('prometheus', 'prometheus') && hasTool('promtool', 'prometheus')

const start = async (folder: string, env: Record<string, string> = {}) => {
  putTestDatabase(folder)
  const settings = {
    BOOTWRIGHT_DATA_DIR: folder,
    BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_TFTP_LISTEN: '127.0.0.1:0',
  }
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line) => void lines.push(line) })
  return { server: await startServer(loadConfig({ ...settings, ...env }), log), lines }
}

/** The samples of a scrape by `name{labels}`. */
const samplesOf = (text: string) =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )

describe('the metrics of a server', () => {
  let folder: string
  let server: RunningServer
  let lines: string[]
  let text: string
  let samples: Map<string, number>
  const machine = fakeMachine(7)
  const port = (address: string | undefined) => Number(address?.replace(/^.*:/, ''))
  const scrape = (headers: Record<string, string> = { Authorization: `Bearer ${server.adminToken}` }) =>
    fetch(`http://${server.addresses.admin}/metrics`, { headers })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-metrics-'))
    const started = await start(folder)
    server = started.server
    lines = started.lines
    await enterSite(server.addresses.adminSocket as string, 10, {
      kernel: randomBytes(300_001),
      initrd: randomBytes(70_003),
    })
    const address = { host: '127.0.0.1', httpPort: port(server.addresses.boot), tftpPort: port(server.addresses.tftp) }
    expect((await bootFakeMachine(machine, address)).error).toBeUndefined()
    await fetch(`http://${server.addresses.boot}/secret-path/52-54-00-aa-bb-cc?token=x`)
    await fetch(`http://${server.addresses.admin}/api/v1/machines`)
    // The answers end a moment after their clients have read them.
    await vi.waitFor(
      async () => {
        text = await (await scrape()).text()
        expect(text).toMatch(/_image_boots_total\{.* 1\n/)
        expect(text).toMatch(/route="\/b",status="2xx"\} 3\n/)
      },
      { timeout: 20_000, interval: 200 },
    )
    samples = samplesOf(text)
  })
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('count one boot from its boot program to its report', () => {
    const expected = {
      'bootwright_boots_started_total{firmware="efi"}': 1,
      'bootwright_boots_total{outcome="booted",firmware="efi"}': 1,
      'bootwright_boots_total{outcome="stalled",firmware="pcbios"}': 0,
      'bootwright_image_boots_total{image="storm",outcome="booted"}': 1,
      'bootwright_reports_total{kind="ready"}': 1,
      'bootwright_reports_total{kind="booted"}': 1,
      'bootwright_boot_stage_seconds_count{stage="booted"}': 1,
      'bootwright_boot_stage_seconds_count{stage="kernel"}': 1,
      'bootwright_transfers_total{listener="boot",result="complete"}': 2,
      'bootwright_transfer_bytes_total{listener="boot"}': 370_004,
      'bootwright_transfers_active{listener="boot"}': 0,
      'bootwright_transfers_active{listener="tftp"}': 0,
      'bootwright_machines{state="entered"}': 10,
      bootwright_database_up: 1,
      bootwright_spool_events: 0,
      bootwright_image_files_damaged: 0,
      'bootwright_http_requests_total{listener="boot",route="/files",status="2xx"}': 2,
      'bootwright_http_requests_total{listener="boot",route="other",status="4xx"}': 1,
      'bootwright_audit_refused_total{reason="BW-ACCESS-TOKEN"}': 1,
    }
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, samples.get(name)]))).toEqual(expected)
    expect(samples.get('bootwright_transfer_bytes_total{listener="tftp"}')).toBeGreaterThan(100_000)
    expect(samples.get('bootwright_tftp_probes_total')).toBeGreaterThan(0)
    expect(samples.get('bootwright_database_query_seconds_count')).toBeGreaterThan(5)
    expect(samples.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0)
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  })

  test('have no MAC, address, path or token in a label', () => {
    const labels = [...samples.keys()].join('\n')
    for (const pattern of [/([0-9a-f]{2}[:-]){5}/i, /\d+\.\d+\.\d+\.\d+/, /secret-path/, /storm-7/, /vmlinuz/, /bw_/])
      expect(labels).not.toMatch(pattern)
    expect(samples.size).toBeLessThan(600)
  })

  test('are refused without a token and with a wrong token', async () => {
    expect((await scrape({})).status).toBe(401)
    expect((await scrape({ Authorization: 'Bearer bw_wrong' })).status).toBe(401)
    expect((await scrape()).headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('include every metric that the dashboard and the alert rules name', () => {
    const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    )
    const dashboard = JSON.parse(readFileSync(join(programDir, 'packaging/grafana-dashboard.json'), 'utf8'))
    const expressions = [
      ...dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) => panel.targets.map(({ expr }) => expr)),
      ...dashboard.annotations.list.map(({ expr }: { expr: string }) => expr),
      ...readFileSync(rulesFile, 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(#|summary|action|- alert)/.test(line)),
    ]
    const named = new Set(expressions.join('\n').match(/\b(bootwright|nodejs|process)_[a-z0-9_]+/g))
    expect(named.size).toBeGreaterThan(25)
    expect([...named].filter((name) => !families.includes(name))).toEqual([])
  })

  test('are logged beside: one line for each request, transfer and report, with its boot and without tokens', () => {
    const entries = lines.map((line) => JSON.parse(line))
    const booted = entries.find(({ msg, report }) => msg === 'report' && report === 'booted')
    expect(booted).toMatchObject({
      mac: machine.mac,
      boot: expect.any(String),
      ip: machine.address,
      outcome: 'booted',
    })
    const requests = entries.filter(({ msg, listener }) => msg === 'request' && listener === 'boot')
    expect(requests.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/boot.ipxe', '/ipxe', '/secret-path/52-54-00-aa-bb-cc']),
    )
    const ofBoot = requests.filter(({ boot }) => boot === booted.boot).map(({ path }) => path)
    expect(ofBoot).toEqual(expect.arrayContaining(['/b/…/ready', '/b/…/answer/preseed.cfg', '/b/…/booted']))
    expect(ofBoot.filter((path) => path.startsWith('/files/'))).toHaveLength(2)
    expect(requests.find(({ path }) => path === '/ipxe')).toMatchObject({ mac: machine.mac, status: 200 })
    // At level info, a boot has about ten lines, however often a machine asks in vain.
    const atInfo = entries.filter(({ level, msg }) => level >= 30 && !['request', 'server started'].includes(msg))
    expect(atInfo.length).toBeLessThan(20)
    expect(lines.join('')).not.toContain(server.adminToken)
    expect(lines.join('')).not.toMatch(/(?<![\w-])[\w-]{43}(?![\w-])/)
  })

  test.runIf(hasPrometheus)('satisfy promtool', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect([status, stdout + stderr]).toEqual([0, ''])
  })

  test.runIf(hasPrometheus)(
    'are scraped by Prometheus, which evaluates the alert rules',
    { timeout: 120_000 },
    async () => {
      const home = await mkdtemp(join(tmpdir(), 'bootwright-prometheus-'))
      const target = server.addresses.admin
      const prometheus = await startPrometheus(home, { target, token: server.adminToken ?? '', rules: rulesFile })
      onTestFinished(async () => {
        await prometheus.stop()
        await rm(home, { recursive: true, force: true })
      })
      const query = async (expression: string) =>
        (await prometheus.query(expression)).map(({ metric, value }) => [metric.outcome ?? metric.job, value[1]])
      await expect
        .poll(() => query('bootwright_boots_total{outcome="booted",firmware="efi"}'), { timeout: 60_000 })
        .toEqual([['booted', '1']])
      expect(await query('up')).toEqual([['bootwright', '1']])
      expect(await query('ALERTS{alertstate="firing"}')).toEqual([])
      const dashboard = JSON.parse(readFileSync(join(programDir, 'packaging/grafana-dashboard.json'), 'utf8'))
      const expressions: string[] = dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) =>
        panel.targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')),
      )
      // Prometheus refuses an expression that it cannot read.
      for (const expression of expressions) await prometheus.query(expression)
    },
  )
})

test('the subnets of a setting may read the metrics without a token, unless a proxy forwards the request', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-metrics-'))
  const { server } = await start(folder, { BOOTWRIGHT_METRICS_SUBNETS: '127.0.0.1', BOOTWRIGHT_TFTP_LISTEN: 'off' })
  onTestFinished(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const url = `http://${server.addresses.admin}`
  expect((await fetch(`${url}/metrics`)).status).toBe(200)
  expect((await fetch(`${url}/metrics`, { headers: { 'X-Forwarded-For': '203.0.113.7' } })).status).toBe(401)
  expect((await fetch(`${url}/api/v1/machines`)).status).toBe(401)
})

test.runIf(hasPrometheus)('the alert rules are valid, and fire as their unit tests say', () => {
  const check = execFileSync('promtool', ['check', 'rules', rulesFile], { encoding: 'utf8' })
  expect(check).toContain('SUCCESS: 13 rules found')
  const tested = spawnSync('promtool', ['test', 'rules', join(programDir, 'test/packaging/alerts.test.yaml')], {
    encoding: 'utf8',
  })
  expect([tested.status, tested.stdout.replace(/^Unit Testing: +\S+/, '').trim()]).toEqual([0, 'SUCCESS'])
})
