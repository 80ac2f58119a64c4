import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finding } from '../../../src/doctor/finding.ts'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('the doctor over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  const run = async (body?: object): Promise<Finding[]> => {
    const { status, body: report } = await api.ask('POST', '/api/v1/doctor', body)
    expect(status).toBe(200)
    return report.findings
  }
  const codesAt = (findings: Finding[], where: string) =>
    findings.filter((finding) => finding.where.includes(where)).map(({ code }) => code)

  test('names a truncated file and a machine without a variant', async () => {
    const kernel = await addFile(api, 'vmlinuz', 'a kernel')
    const initrd = await addFile(api, 'initrd.gz', 'an initrd')
    const pathOf = ({ sha256 }: { sha256: string }) => join(api.folder, sha256.slice(0, 2), sha256)
    const images = {
      short: { kind: 'linux', arch: 'x86_64', kernel, initrds: [initrd], args: [] },
      arm: { kind: 'ipxe', arch: 'arm64', file: kernel },
    }
    for (const name of ['short', 'arm'] as const)
      expect((await api.ask('PUT', `/api/v1/images/${name}`, { variants: [images[name]] })).status).toBeLessThan(300)
    const assigned = await api.ask('PUT', '/api/v1/machines/52-54-00-00-00-01', { assignment: { image: 'arm' } })
    expect(assigned.status).toBeLessThan(300)
    await writeFile(pathOf(initrd), 'an in')

    const findings = await run({ network: false })
    expect(codesAt(findings, 'initrd.gz (')).toEqual(['BW-FILE-DAMAGED'])
    expect(codesAt(findings, 'machine 52:54:00:00:00:01')).toEqual(['BW-NO-VARIANT'])
    // This doctor has no boot listener and no boot programs.
    expect(codesAt(findings, 'http://127.0.0.1:1')).toEqual(['BW-HTTP-BLOCKED'])
    expect(codesAt(findings, api.folder)).toContain('BW-NO-NBPS')
    expect(findings.find(({ check }) => check === 'database')?.state).toBe('ok')
    expect(findings.find(({ check }) => check === 'clock')?.state).toBe('ok')
  })

  test('shows all evidence for a machine, also for one that never asked', async () => {
    const findings = await run({ network: false, mac: '52:54:00:00:00:99' })
    expect(findings.slice(0, 2).map(({ check, state, code }) => [check, state, code])).toEqual([
      ['decision', 'ok', undefined],
      ['last boot', 'error', 'BW-NEVER-ASKED'],
    ])
  })

  test('keeps the last report, and refuses a second run at the same time', async () => {
    const [first, second] = await Promise.all([
      run({ network: false }),
      api.ask('POST', '/api/v1/doctor', { network: false }),
    ])
    expect(second.status).toBe(409)
    expect(second.body.detail).toContain('the doctor is already running')
    const { body } = await api.ask('GET', '/api/v1/doctor')
    expect(body.last.findings).toEqual(first)
    expect(body).toMatchObject({ interfaces: [], nbps: [] })
  })

  test('tells that a run is going, and since when', async () => {
    const about = async () => (await api.ask('GET', '/api/v1/doctor')).body
    expect(await about()).not.toHaveProperty('runningSince')
    const going = run({ network: false })
    // The request is on its way: the run begins as soon as its body is read.
    let seen = await about()
    for (let tries = 0; tries < 50 && seen.runningSince === undefined; tries++) seen = await about()
    expect(Date.now() - Date.parse(seen.runningSince)).toBeLessThan(10_000)
    await going
    expect(await about()).not.toHaveProperty('runningSince')
  })

  test('refuses an unknown kind of firmware and a bad interface', async () => {
    const { status, body } = await api.ask('POST', '/api/v1/doctor', { firmware: [12345], interfaces: ['a/b'] })
    expect(status).toBe(422)
    expect(JSON.stringify(body)).toContain('Expected one of 0, 6, 7')
  })
})
