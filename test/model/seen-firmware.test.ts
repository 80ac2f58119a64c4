import { expect, test } from 'vitest'
import { brokenNetworks } from '../../scripts/lab/broken/broken-networks.ts'
import { findFinding } from '../../src/model/findings/table.ts'

/** The parts of a line that name its fault: a PXE code, the first six digits of an iPXE code, a text of HTTP Boot. */
function faultsIn(line: string): string[] {
  const codes = [...line.matchAll(/PXE-[EMT][0-9A-F]{2}|(?<=ipxe\.org\/)[0-9a-f]{6}/g)].map(([code]) => code)
  const http = /^(?:Client )?Error: [\w ]+/.exec(line)?.[0]
  return [...codes, ...(http === undefined ? [] : [http])]
}

test('the findings name every fault that firmware of the lab printed', () => {
  const lacking = brokenNetworks.flatMap(({ name, finding, screens = {} }) =>
    Object.entries(screens).flatMap(([firmware, lines]) => {
      const kind = firmware === 'arm64' ? 'uefi' : (firmware as 'uefi' | 'httpBoot' | 'ipxe')
      const text = findFinding(finding)?.firmware?.[kind] ?? ''
      const faults = lines.flatMap(faultsIn).filter((fault) => !text.includes(fault))
      return faults.map((fault) => `${name}: ${finding} lacks "${fault}" of ${kind}`)
    }),
  )
  expect(lacking).toEqual([])
})

test('the lab has at least twenty-seven networks, each with a name of its own', () => {
  const names = brokenNetworks.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.length).toBeGreaterThanOrEqual(27)
})
