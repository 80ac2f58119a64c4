import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'

// The arrows of ARCHITECTURE.md: a folder may import from those named, by type from those in brackets, and from the small files beside the folders.
const shared = [
  'arch',
  'base-url',
  'end-of-life',
  'errors',
  'folders',
  'glob',
  'http-connections',
  'http-request',
  'log',
  'mac',
  'paths',
  'placeholders',
  'schema-faults',
  'seal',
  'subnet',
  'typed-command',
  'webhook-message',
  'outage',
  'uuid',
]
const allowed: Record<string, { values: string[]; types: string[] }> = {
  cli: { values: ['config', 'admin-socket', 'intake'], types: ['inventory'] },
  tftp: { values: [], types: ['config', 'inventory', 'render', 'store'] },
  boot: { values: ['inventory', 'render', 'store'], types: ['db', 'config'] },
  api: { values: ['inventory', 'render', 'intake', 'care'], types: ['store', 'db', 'config'] },
  care: { values: ['inventory'], types: ['db', 'store'] },
  render: { values: [], types: ['inventory'] },
  intake: { values: ['inventory', 'render'], types: ['store', 'db'] },
  inventory: { values: ['db'], types: [] },
  store: { values: [], types: [] },
  db: { values: [], types: ['inventory'] },
}

const src = new URL('../src/', import.meta.url).pathname
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

type Import = { from: string; to: string; typeOnly: boolean; external: boolean }
const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(src, from), 'utf8')
  return [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)'/gms)].map(([, type, to = '']) => {
    const external = !to.startsWith('.')
    return { from, to: external ? to : normalize(join(dirname(from), to)), typeOnly: type !== undefined, external }
  })
})

const folderOf = (file: string) => file.split('/')[0]?.replace(/\.ts$/, '') ?? ''

it('finds the imports it judges', () => expect(imports.length).toBeGreaterThan(100))

it('arrows point only where the architecture says', () => {
  const wrong = imports.filter(({ from, to, typeOnly, external }) => {
    const rule = allowed[folderOf(from)]
    const target = folderOf(to)
    if (external || rule === undefined || target === folderOf(from) || shared.includes(target)) return false
    return !rule.values.includes(target) && !(typeOnly && rule.types.includes(target))
  })
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([])
})

it('only db names a database driver, and only paths, config and main know the environment', () => {
  const drivers = imports.filter(
    ({ from, to }) =>
      /^(postgres|@electric-sql\/pglite|drizzle-orm\/(pglite|postgres-js).*)$/.test(to) && folderOf(from) !== 'db',
  )
  expect(drivers).toEqual([])
  const readers = files.filter((file) => readFileSync(join(src, file), 'utf8').includes('process.env'))
  expect(readers).toEqual(['main.ts'])
})

it('render has no clock, no files, no network', () => {
  const effects = files.filter(
    (file) =>
      folderOf(file) === 'render' && /\bnode:|Date\b|fetch\(|Math\.random/.test(readFileSync(join(src, file), 'utf8')),
  )
  expect(effects).toEqual([])
})

it('nothing imports main', () => expect(imports.filter(({ to }) => to === 'main.ts')).toEqual([]))
