import http from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Role } from '../../src/model/access/role.ts'
import type { PageServer } from './page-server.ts'

/** Expects that a page never scrolls sideways, on a phone, a tablet and a desk. */
export async function expectFits(page: Page): Promise<void> {
  const before = page.viewportSize() ?? { width: 1440, height: 900 }
  for (const width of [360, 768, 1440]) {
    await page.setViewportSize({ width, height: 900 })
    const inner = await page.evaluate('document.documentElement.scrollWidth')
    expect(inner, `${page.url()} at ${width} pixels`).toBeLessThanOrEqual(width)
  }
  await page.setViewportSize(before)
}

/** The bytes on the wire of a first view: the page with its styles and scripts, compressed. */
export async function firstViewBytes(server: PageServer, role: Role, path: string): Promise<number> {
  const { name, value } = await server.signIn(role)
  const read = (url: string) => readCompressed(url, `${name}=${value}`)
  const page = await read(`${server.url}${path}`)
  const assets = [...page.text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, url]) => url)
  const parts = await Promise.all([...new Set(assets)].map((url) => read(`${server.url}${url}`)))
  return parts.reduce((sum, { bytes }) => sum + bytes, page.bytes)
}

/** Reads a body as it is on the wire. `fetch` decodes bodies, and hides their sizes. */
function readCompressed(url: string, cookie: string): Promise<{ bytes: number; text: string }> {
  const headers = { cookie, 'accept-encoding': 'br, gzip' }
  return new Promise((resolve, reject) => {
    http
      .get(url, { headers, agent: false }, async (response) => {
        const body = await buffer(response)
        if (response.statusCode !== 200) return reject(new Error(`${url} answered ${response.statusCode}`))
        resolve({ bytes: body.length, text: decoded(body, response.headers['content-encoding']) })
      })
      .on('error', reject)
  })
}

function decoded(body: Buffer, encoding: string | undefined): string {
  if (encoding === 'br') return brotliDecompressSync(body).toString()
  return (encoding === 'gzip' ? gunzipSync(body) : body).toString()
}
