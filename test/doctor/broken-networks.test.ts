import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokenNetworks, healthyNetwork, networkThemes } from '../../scripts/lab/broken/broken-networks.ts'
import { makeSiteData, openSite, type Site } from '../../scripts/lab/broken/site.ts'
import { hasTool } from '../helpers/needs.ts'
import { codesOf, describeSite, runDoctor } from './site.ts'

type AnyNetwork = Parameters<Site['open']>[0]
type Result = Awaited<ReturnType<typeof runDoctor>>

const timeout = 240_000

/** The doctor's results in networks, one after the other on one site. */
function examineAll(site: Site, networks: readonly AnyNetwork[]): (name: string) => Promise<Result> {
  const results = new Map<string, Promise<Result>>()
  let before: Promise<unknown> = Promise.resolve()
  for (const network of networks) {
    const result = before.then(() => examine(site, network))
    results.set(network.name, result)
    before = result.catch(() => undefined)
  }
  return (name) => results.get(name) ?? Promise.reject(new Error(`no network ${name}`))
}

async function examine(site: Site, network: AnyNetwork): Promise<Result> {
  const { dataDir, close } = await site.open(network)
  try {
    return await runDoctor(site.doctor, dataDir)
  } finally {
    await close()
  }
}

// The lanes run at the same time: the doctor waits more than it works.
const lanes = Object.values(networkThemes).map((networks, at) => (at === 0 ? [healthyNetwork, ...networks] : networks))

const servers = [
  ['dhcpd', 'isc-dhcp-server'],
  ['kea-dhcp4', 'kea-dhcp4-server'],
  ['dhcrelay', 'isc-dhcp-relay'],
] as const
const describeNetworks = servers.every(([name, debianPackage]) => hasTool(name, debianPackage))
  ? describeSite
  : describe.skip

describeNetworks('The doctor on a broken network', () => {
  const sites: Site[] = []
  const resultOf: ((name: string) => Promise<Result>)[] = []
  beforeAll(async () => {
    const data = await makeSiteData()
    for (const networks of lanes) {
      const site = await openSite(data)
      sites.push(site)
      resultOf.push(examineAll(site, networks))
    }
    await rm(data, { recursive: true })
  }, timeout)
  afterAll(() => Promise.all(sites.map((site) => site.close())))

  test('finds no error and no warning if nothing is broken', { timeout }, async () => {
    const { code, report } = await laneOf(resultOf, healthyNetwork.name)
    expect([...codesOf(report, 'error'), ...codesOf(report, 'warning')], problemsOf(report)).toEqual([])
    expect(code).toBe(0)
  })

  test.each(brokenNetworks)('names $finding in $name: $broken', { timeout }, async (network) => {
    const { name, finding, state = 'error', alsoTrue = [] } = network
    const { code, report } = await laneOf(resultOf, name)
    const expected: string[] = [finding, ...alsoTrue]
    expect(codesOf(report, state), problemsOf(report)).toContain(finding)
    expect(
      codesOf(report, 'error').filter((found) => !expected.includes(found)),
      problemsOf(report),
    ).toEqual([])
    expect(code).toBe(state === 'error' ? 1 : 0)
  })
})

function laneOf(resultOf: ((name: string) => Promise<Result>)[], name: string): Promise<Result> {
  const lane = lanes.findIndex((networks) => networks.some((network) => network.name === name))
  return resultOf[lane]?.(name) ?? Promise.reject(new Error(`no network ${name}`))
}

/** The problems of a report, for the message of a test that fails. */
function problemsOf({ findings }: Result['report']): string {
  return findings
    .filter(({ state }) => state !== 'ok')
    .map(({ state, code, check, where, seen }) => `${state} ${code} ${check} (${where}): ${seen}`)
    .join('\n')
}
