import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { may } from '../../src/auth/may.ts'
import type { OpenDb } from '../../src/db/open.ts'
import { createToken } from '../../src/inventory/access/tokens.ts'
import { roles } from '../../src/model/access/role.ts'
import { pages } from '../../src/ui/routes.ts'
import { openTestDatabase } from '../helpers/database.ts'
import { enterHostile, type Hostile, payload } from '../helpers/hostile.ts'
import { openPageServer, type PageServer } from '../helpers/page-server.ts'

const reads = pages.filter(([method]) => method === 'get')
const writes = pages.filter(([method]) => method === 'post')

describe('every page', () => {
  let opened: OpenDb
  let server: PageServer
  let hostile: Hostile
  beforeAll(async () => {
    opened = await openTestDatabase()
    server = await openPageServer(opened.db, { trusted: false })
    hostile = await enterHostile(opened.db, server)
  })
  afterAll(async () => {
    await server?.close()
    await opened?.close()
  })
  /** The path with the parameters of the hostile inventory. */
  const pathOf = (path: string) =>
    path.replaceAll(/:([a-z]+)/gi, (_, name: string) => {
      const noun = path.split('/')[1] ?? ''
      const value = hostile.params[`${noun}/${name}`] ?? hostile.params[name]
      if (value === undefined) throw new Error(`enterHostile has no parameter ${noun}/${name} for ${path}`)
      return encodeURIComponent(value)
    })

  test.each(reads)('%s %s is for signed-in people with the right only', async (_, path, _handler, action) => {
    const url = pathOf(path)
    const anonymous = await server.visit(undefined, url)
    expect([anonymous.status, anonymous.headers.get('location')?.split('?')[0]]).toEqual([303, '/sign-in'])
    for (const role of roles) {
      const { status, html } = await server.visit(role, url)
      if (may(role, action)) expect([path, role, status]).toEqual([path, role, expect.toSatisfy((code) => code < 400)])
      else expect([status, html.includes('BW-ACCESS-ROLE')]).toEqual([403, true])
    }
  })

  test.each(reads)('%s %s shows hostile values as text, and names no other host', async (_, path) => {
    const { html, headers, status } = await server.visit('admin', pathOf(path))
    expect(html).not.toContain(payload)
    if (!headers.get('content-type')?.startsWith('text/html')) return
    expect(status).toBeLessThan(400)
    const tags = html.match(/<[a-z][^>]*>/gi) ?? []
    expect(tags.filter((tag) => /^<script/i.test(tag) && !/^<script src="\/assets\//.test(tag))).toEqual([])
    expect(tags.filter((tag) => /\s(on[a-z]+|style)\s*=/i.test(tag.replaceAll(/"[^"]*"/g, '""')))).toEqual([])
    expect(
      tags.filter(
        (tag) => /^<(link|script|img|iframe|form)/i.test(tag) && /(src|href|action)="(https?:)?\/\//i.test(tag),
      ),
    ).toEqual([])
    expect(headers.get('content-security-policy')).toContain("script-src 'self'; style-src 'self'")
    expect(html.match(/<h1[\s>]/g)).toHaveLength(1)
  })

  test('has a path that no name of the inventory can hide', async () => {
    const named = pages.filter(([, path]) => path.includes('/:name'))
    const shelves = new Set(named.map(([, path]) => path.split('/')[1] ?? ''))
    expect([...shelves].sort()).toEqual(['answer-files', 'groups', 'images', 'menus'])
    const hidden = pages.filter(([, path]) => {
      const [, shelf = '', name = ':name'] = path.split('/')
      return shelves.has(shelf) && name !== ':name'
    })
    expect(hidden).toEqual([])
    const entries = [{ kind: 'local', name: 'disk', text: 'Local disk' }]
    const bodies: [string, object][] = [
      ['groups', { selector: [{ label: 'rack', equals: 'a' }], assignment: {} }],
      ['menus', { title: 'Menu', entries }],
      ['images', { variants: [{ kind: 'local', arch: 'x86_64' }] }],
      ['answer-files', { documents: [{ name: 'preseed.cfg', text: 'd-i' }] }],
    ]
    const { token } = await createToken(opened.db, 'names', 'tester')
    for (const [shelf, body] of bodies)
      for (const name of ['new', 'recipes']) {
        const path = `/${shelf}/${name}`
        const saved = await server.api.ask('PUT', `/api/v1${path}`, body, { authorization: `Bearer ${token}` })
        expect([path, saved.status]).toEqual([path, 201])
        const { status, html } = await server.visit('viewer', path)
        expect([path, status, /<h1[^>]*>[^<]*\b(new|recipes)\b/.exec(html)?.[1]]).toEqual([path, 200, name])
      }
  })

  test.each(writes)('%s %s refuses other sites, and people without the right', async (_, path, _handler, action) => {
    const url = pathOf(path)
    for (const role of roles.filter((role) => !may(role, action))) {
      const { status, html } = await server.visit(role, url, {})
      expect([path, role, status, html.includes('BW-ACCESS-ROLE')]).toEqual([path, role, 403, true])
    }
    const { name, value } = await server.signIn('admin')
    const headers = { cookie: `${name}=${value}`, origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }
    const reply = await fetch(`${server.url}${url}`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(),
      redirect: 'manual',
    })
    expect([path, reply.status]).toEqual([path, 403])
  })

  test.each(writes)('%s %s answers an empty form with a sentence', async (_, path) => {
    const { status } = await server.visit('admin', pathOf(path), {})
    expect(status).toBeLessThan(500)
  })
})
