import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokenNetworks } from '../../scripts/lab/broken/broken-networks.ts'
import { startFirmware } from '../../scripts/lab/broken/firmware.ts'
import type { BrokenNetwork, FirmwareName } from '../../scripts/lab/broken/network.ts'
import { makeSiteData, openSite, type Site } from '../../scripts/lab/broken/site.ts'
import { describeWholeLab } from './lab-tests.ts'

/** EDK2 asks four times for an address, and waits 4, 8, 16 and 32 s. */
const lineMs = 150_000
const timeout = 900_000

type Seen = { firmware: FirmwareName; missing: string[]; lastLines: string }

const networks = brokenNetworks.filter(({ screens }) => screens !== undefined)
// Firmware waits more than it works, so two networks are open at a time, each with all its machines.
const lanes = [0, 1].map((lane) => networks.filter((_network, at) => at % 2 === lane))

describeWholeLab('Real firmware in broken networks', () => {
  const sites: Site[] = []
  const results = new Map<string, Promise<Seen[]>>()
  beforeAll(async () => {
    const data = await makeSiteData()
    for (const lane of lanes) {
      const site = await openSite(data)
      sites.push(site)
      let before: Promise<unknown> = Promise.resolve()
      for (const network of lane) {
        const seen = before.then(() => bootAll(site, network))
        results.set(network.name, seen)
        before = seen.catch(() => undefined)
      }
    }
    await rm(data, { recursive: true })
  }, timeout)
  afterAll(() => Promise.all(sites.map((site) => site.close())))

  test.each(networks)('prints the recorded lines in $name: $broken', { timeout }, async ({ name }) => {
    const seen = (await results.get(name)) ?? []
    expect(seen.filter(({ missing }) => missing.length > 0)).toEqual([])
  })
})

async function bootAll(site: Site, network: BrokenNetwork): Promise<Seen[]> {
  const { close } = await site.open(network)
  try {
    const screens = Object.entries(network.screens ?? {}) as [FirmwareName, string[]][]
    return await Promise.all(screens.map(([firmware, lines]) => boot(site, firmware, lines)))
  } finally {
    await close()
  }
}

async function boot(site: Site, firmware: FirmwareName, lines: readonly string[]): Promise<Seen> {
  const machine = await startFirmware(site, firmware)
  try {
    const found = await Promise.all(
      lines.map((line) =>
        machine.waitFor(wrapped(line), lineMs).then(
          () => true,
          () => false,
        ),
      ),
    )
    return { firmware, missing: lines.filter((_line, at) => !found[at]), lastLines: machine.lastLines(30) }
  } finally {
    await machine.stop()
  }
}

/** A line that the console may wrap anywhere. */
function wrapped(line: string): RegExp {
  return new RegExp([...line].map((letter) => letter.replace(/[^\w\s]/, '\\$&')).join('\\n?'))
}
