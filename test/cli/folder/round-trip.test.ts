import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listGroups } from '../../../src/inventory/machines/groups.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'
import { roundsOf, seeded } from '../../helpers/seeded.ts'

let first: Operator
let second: Operator
beforeAll(async () => {
  first = await startOperator()
  second = await startOperator()
})
afterAll(async () => {
  await first?.stop()
  await second?.stop()
})

/** Words that a YAML reader may read as something else than a text. */
const hostile = [
  ...[
    'no',
    'on',
    'Yes',
    'null',
    '~',
    'true',
    '0x10',
    '0o17',
    '1e3',
    '012',
    '1_000',
    '.inf',
    '.NaN',
    '2027-03-31',
    '12:30:45',
  ],
  ...[
    '- a',
    '? a',
    ': a',
    'a: b',
    '#a',
    'a #b',
    '{a}',
    '[a',
    '*a',
    '&a',
    '!a',
    '|',
    '>',
    '%a',
    '@a',
    '`a',
    "'",
    '"',
    '\\',
    '---',
    '...',
  ],
  ...['ä', '日本語', '🦊', '\u00a0', 'e\u0301', '<<', '=', ','],
]
const spaced = [
  '  leading',
  'trailing  ',
  'two\nlines',
  '\n\nfirst\n',
  'a\n  b\n',
  '\ttab',
  'a\r\nb',
  ' \n ',
  '',
  '\u2028',
  '\u0085',
  '\ufeff',
]

test('random folders go through two servers, and their exports are the same bytes', async () => {
  const { between, next, pick } = seeded('round trips of folders')
  const word = () => pick(hostile)
  const anyText = () =>
    pick([word, () => pick(spaced), () => `${word()} ${word()}`, () => pick(hostile).repeat(between(1, 200))])()
  const printable = (max: number) => `${word()}${next() < 0.5 ? ` ${word()}` : ''}`.slice(0, max).trim() || 'x'
  const value = (depth = 0): unknown =>
    pick<() => unknown>([
      anyText,
      () => pick([0, -1, 1.5, 1e21, 5e-324, 2 ** 53 - 1, 2 ** 60]),
      () => pick([true, false, null]),
      ...(depth > 3
        ? []
        : [() => Array.from({ length: between(0, 3) }, () => value(depth + 1)), () => object(depth + 1)]),
    ])()
  const object = (depth: number) =>
    Object.fromEntries(Array.from({ length: between(0, 3) }, () => [anyText(), value(depth)]))
  const params = () =>
    Object.fromEntries(
      Array.from({ length: between(0, 5) }, (_, n) => [pick(['n', 'y', 'no', 'on', 'null', `p${n}`]), value()]),
    )
  const group = () => ({
    title: printable(100),
    priority: between(-9, 9),
    ...(next() < 0.3
      ? { everybody: true }
      : { selector: [{ label: pick(['rack', 'n', '1e3']), in: [printable(60), 'no'] }] }),
    assignment: { args: [pick(['quiet', 'a=no', '0x10', '1e3', '-', 'null'])], params: params() },
  })
  const menu = () => ({
    title: printable(70),
    entries: Array.from({ length: between(1, 4) }, (_, n) => ({
      kind: 'local',
      name: `n${n}`,
      text: printable(70),
      hotkey: pick(['n', 'y', '1']),
    })).filter(({ hotkey }, index, all) => all.findIndex((other) => other.hotkey === hotkey) === index),
  })
  const document = () =>
    anyText()
      .replaceAll(/\{[{%]/g, '')
      .replaceAll('\ufeff', '')
  for (let round = 0; round < roundsOf(6); round++) {
    const folder = await mkdtemp(join(tmpdir(), 'bootwright-round-'))
    const given: Record<string, unknown> = {}
    const texts: Record<string, string> = {}
    for (const name of ['no', '0x10', '1e3', `r${round}`]) {
      given[`groups/${name}.yaml`] = group()
      given[`menus/${name}.yaml`] = menu()
      given[`answer-files/${name}.yaml`] = { title: printable(100), documents: [{ name: 'a.cfg' }, { name: 'null' }] }
      for (const file of ['a.cfg', 'null']) texts[`answer-files/${name}.files/${file}`] = document() || 'x'
    }
    // JSON is YAML: no code of the export writes the first files.
    const files = {
      ...Object.fromEntries(Object.entries(given).map(([path, value]) => [path, JSON.stringify(value)])),
      ...texts,
    }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    expect(await first.run('apply', folder, '--prune')).toMatchObject({ exitCode: 0, err: '' })
    expect((await first.run('apply', folder, '--prune')).out).toMatch('nothing to change')
    for (const { name, assignment } of await listGroups(first.boot.deps.db, 100))
      expect(assignment).toEqual((given[`groups/${name}.yaml`] as { assignment: object }).assignment)
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    await first.run('export', one)
    const exported = await read(one)
    for (const [path, text] of Object.entries(texts)) expect([path, exported[path]]).toEqual([path, text])
    expect((await first.run('apply', one)).out).toMatch('nothing to change')
    expect(await second.run('apply', one, '--prune')).toMatchObject({ exitCode: 0, err: '' })
    await second.run('export', two)
    expect(await read(two)).toEqual(exported)
    await rm(folder, { recursive: true })
  }
}, 120_000)

async function read(below: string): Promise<Record<string, string>> {
  const entries = await readdir(below, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = await Promise.all(
    paths.map(async (path) => [path.slice(below.length + 1), await readFile(path, 'utf8')] as const),
  )
  return Object.fromEntries(files)
}
