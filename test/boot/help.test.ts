import { afterAll, beforeAll, expect, test } from 'vitest'
import { getAsIpxe, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'

let server: TestBootServer
beforeAll(async () => {
  server = await startTestBootServer()
})
afterAll(() => server.stop())

const get = async (path: string, accept = '*/*') => {
  const response = await fetch(`${server.url}${path}`, { headers: { accept } })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

test('a code is explained on the console of a machine, in lines of at most 80 columns', async () => {
  const script = await getAsIpxe(`${server.url}/help/2d0c613b.ipxe`)
  await expect(script.replaceAll(server.url, 'http://10.0.0.1:8080')).toMatchFileSnapshot('../golden/help.ipxe')
  for (const line of script.split('\n')) expect(line.replace(/^echo /, '').length).toBeLessThanOrEqual(80)
})

test.each(['2e0080', '7f04829a', '1c664001', 'BW-NO-VARIANT'])('the script for %s fits on a console', async (code) => {
  const script = await getAsIpxe(`${server.url}/help/${code}.ipxe`)
  expect(script).toMatch(/^#!ipxe\necho .+\n/)
  for (const line of script.split('\n')) expect(line.replace(/^echo /, '').length).toBeLessThanOrEqual(80)
})

test('an unknown code is a script too, because iPXE shows no text of an error', async () => {
  expect(await getAsIpxe(`${server.url}/help/nothing.ipxe`)).toBe(
    '#!ipxe\necho This code is not in the tables of the boot server.\n',
  )
})

test('a code is explained as plain text', async () => {
  const { status, headers, text } = await get('/help/BW-NO-VARIANT')
  expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
    200,
    'text/plain; charset=UTF-8',
    'public, max-age=3600',
  ])
  expect(text).toMatch(/^BW-NO-VARIANT \(Bootwright\): [\s\S]*\nLikely causes\n {2}- [\s\S]*\nNext steps\n {2}- /)
})

test('a browser gets a page without scripts, for both kinds of firmware', async () => {
  const { headers, text } = await get('/help/PXE-E53', 'text/html,application/xhtml+xml')
  expect(headers.get('content-type')).toMatch(/^text\/html/)
  expect(headers.get('content-security-policy')).toBe("default-src 'none'; style-src 'unsafe-inline'")
  expect(text.match(/<h1>.*/g)).toEqual([
    '<h1>PXE-E53 (BIOS): DHCP: no boot file name</h1>',
    '<h1>PXE-E53 (UEFI): DHCP: no boot file name</h1>',
  ])
  expect(text).not.toMatch(/<script|https?:/)
})

test.each(['/help/nothing', '/help/%3Cscript%3E', `/help/${'a'.repeat(2000)}`, '/help/PXE-E53%20x'])(
  '%s is not found, and the answer does not repeat it',
  async (path) => {
    const { status, text } = await get(path, 'text/html')
    expect([status, text]).toEqual([404, 'No such code. A code is PXE-E53, 2d0c613b or BW-NO-VARIANT, for example.\n'])
  },
)
