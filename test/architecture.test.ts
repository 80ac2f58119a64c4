import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Import, readImports, readSource, roomOf, sourceFiles } from '../scripts/docs/imports.ts'
import { groundOf, rooms } from '../scripts/docs/rooms.ts'

const maxFiles = 15
const maxDepth = 3

const files = sourceFiles()
const imports = readImports()

describe('the rooms of src/', () => {
  test('the imports that the rules judge are found', () => {
    expect(imports.length).toBeGreaterThan(500)
  })

  test('every file is in a room that has a rule, and only main.ts is outside', () => {
    expect(files.filter((file) => rooms[roomOf(file)] === undefined)).toEqual([])
    expect(files.filter((file) => !file.includes('/'))).toEqual(['main.ts'])
  })

  test('arrows point only where the rules allow', () => {
    const wrong = imports.filter(({ from, to, typeOnly, external }) => {
      const [room, target] = [roomOf(from), roomOf(to)]
      const rule = rooms[room]
      if (external || rule === undefined || target === room || groundOf(room).includes(target)) return false
      return !rule.values.includes(target) && !(typeOnly && rule.types.includes(target))
    })
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([])
  })

  test('no file imports itself by value, through whichever others', () => {
    expect(circles(imports.filter(({ typeOnly, external }) => !typeOnly && !external))).toEqual([])
  })

  test(`no folder holds more than ${maxFiles} files, and none lies deeper than ${maxDepth}`, () => {
    const counts = new Map<string, number>()
    for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
    expect([...counts].filter(([, count]) => count > maxFiles)).toEqual([])
    expect(files.filter((file) => file.split('/').length - 1 > maxDepth)).toEqual([])
  })

  test('nothing imports main.ts', () => {
    expect(imports.filter(({ to }) => to === 'main.ts')).toEqual([])
  })
})

describe('what only some may know', () => {
  test('only db/ names a database driver', () => {
    const driver = /^(postgres|@electric-sql\/pglite|drizzle-orm\/(pglite|postgres-js).*)$/
    expect(imports.filter(({ from, to }) => driver.test(to) && roomOf(from) !== 'db')).toEqual([])
  })

  test('only main.ts reads the environment', () => {
    expect(files.filter((file) => readSource(file).includes('process.env'))).toEqual(['main.ts'])
  })

  test('render/ has no clock, no files, no network', () => {
    const effect = /\bnode:|Date\b|fetch\(|Math\.random/
    expect(files.filter((file) => roomOf(file) === 'render' && effect.test(readSource(file)))).toEqual([])
  })

  test('inventory/ and decide/ touch no disk', () => {
    const disk = /from 'node:(fs|fs\/promises)'/
    expect(
      files.filter((file) => ['inventory', 'decide'].includes(roomOf(file)) && disk.test(readSource(file))),
    ).toEqual([])
  })
})

/** The circles among imports, each as the files on its way. */
function circles(arrows: Import[]): string[] {
  const next = new Map<string, string[]>()
  for (const { from, to } of arrows) next.set(from, [...(next.get(from) ?? []), to])
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (file: string, way: string[]) => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      found.push([...way.slice(way.indexOf(file)), file].join(' -> '))
      return
    }
    state.set(file, 'open')
    for (const to of next.get(file) ?? []) visit(to, [...way, file])
    state.set(file, 'done')
  }
  for (const file of next.keys()) visit(file, [])
  return found
}

test('scripts/ imports nothing from test/: what both need is in scripts/', () => {
  const scripts = new URL('../scripts/', import.meta.url).pathname
  const named = readdirSync(scripts, { recursive: true, encoding: 'utf8' }).filter((name) => /\.[jt]s$/.test(name))
  expect(named.filter((name) => /from '(\.\.\/)+test\//.test(readFileSync(join(scripts, name), 'utf8')))).toEqual([])
})
