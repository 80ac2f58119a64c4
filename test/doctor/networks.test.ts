import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { codesOf, describeSite, healthy, openSite, type Site } from './site.ts'

describeSite('The doctor on a network', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
  }, 90_000)
  afterAll(() => site?.close())
  afterEach(() => site.quiet())

  test('finds nothing on a healthy network', { timeout: 60_000 }, async () => {
    await site.dhcp(healthy)
    const { code, report } = await site.doctor()

    expect(codesOf(report)).toEqual([])
    expect(code).toBe(0)
  })
})
