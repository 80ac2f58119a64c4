import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listChanges } from '../../../src/inventory/changes/changes.ts'
import { saveFile } from '../../../src/inventory/images/files.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

const sha256 = createHash('sha256').update('a kernel').digest('hex')

/** A folder by hand, in an order and a form that export does not write. */
const byHand = {
  'policy.yaml': 'kind: menu\nmenu: main\n',
  'README.md': 'Not for apply.',
  '.github/workflows/apply.yaml': 'on: push',
  'images/rescue.yaml': `# A comment.\nvariants:\n  - kernel: { name: vmlinuz, sha256: ${sha256} }\n    kind: linux\n    arch: x86_64\n    args: [quiet, 'a=on']\n`,
  'answer-files/base.yaml': 'documents:\n  - name: preseed.cfg\n  - name: late.sh\n    mediaType: text/x-shellscript\n',
  'answer-files/base.files/preseed.cfg': 'd-i x string {{ machine.mac }}\r\n\r\n  tail \t\n\n',
  'answer-files/base.files/late.sh': '#!/bin/sh\nexit 0',
  'menus/main.yaml':
    '\ufefftitle: "Main: choose"\r\nentries:\r\n  - {name: more, text: More, kind: menu, menu: more}\r\n',
  'menus/more.yaml':
    'title: More\nentries:\n  - name: back\n    text: Back\n    kind: menu\n    menu: main\n  - {name: pinned, text: Pinned, kind: image, image: rescue, version: 1}\n',
  'groups/rack-b4.yaml':
    'priority: 5\nselector:\n  - label: rack\n    equals: &four "4"\n  - label: state\n    in: [on, "no", *four]\nassignment:\n  image: rescue\n  version: 1\n  params: { text: "a\\n b\\n", "n": 1.50, big: "12345678901234567890", no: null }\n',
  'groups/all.yaml': 'everybody: true\nassignment: {}\n',
  'recipes/tool.yaml': `# Ours.\r\ntitle: 'Tool'\nfamily: tools\n\nvariants:\n  - { kind: efi, arch: x86_64, file: { url: 'http://192.0.2.1/tool.efi' } }\n`,
}

describe('a folder of YAML', () => {
  let operator: Operator
  let other: Operator
  let folder: string
  beforeAll(async () => {
    operator = await startOperator()
    other = await startOperator()
  })
  afterAll(async () => {
    await operator?.stop()
    await other?.stop()
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-folder-'))
    return () => rm(folder, { recursive: true, force: true })
  })

  const write = async (files: Record<string, string>, below = folder) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(below, path)), { recursive: true })
      await writeFile(join(below, path), text)
    }
  }
  const read = async (below: string) => {
    const entries = await readdir(below, { recursive: true, withFileTypes: true })
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const files: [string, string][] = []
    for (const path of paths.sort()) files.push([path.slice(below.length + 1), await readFile(path, 'utf8')])
    return Object.fromEntries(files)
  }
  const fresh = { 'groups/all.yaml': byHand['groups/all.yaml'] }
  const lines = (text: string) => text.trimEnd().split('\n')

  test('goes through a server, and through an empty second server, to the same bytes', async () => {
    await write(byHand)
    for (const { boot } of [operator, other]) await saveFile(boot.deps.db, { sha256, name: 'vmlinuz', sizeBytes: 8 })
    const applied = await operator.run('apply', folder)
    expect([applied.err, lines(applied.out).at(-1)]).toEqual([
      '',
      'applied: 7 created, 1 changed, 0 unchanged, 0 deleted',
    ])
    const again = await operator.run('apply', folder)
    expect(again).toEqual({
      exitCode: 0,
      err: '',
      out: 'nothing to change: 0 created, 0 changed, 8 unchanged, 0 deleted\n',
    })
    const first = join(folder, 'first')
    const exported = await operator.run('export', first)
    expect([exported.exitCode, exported.err]).toEqual([
      0,
      expect.stringContaining('not exported: the bytes of the files of images'),
    ])
    const files = await read(first)
    expect(Object.keys(files)).toEqual([
      '.gitattributes',
      'answer-files/base.files/late.sh',
      'answer-files/base.files/preseed.cfg',
      'answer-files/base.yaml',
      'groups/all.yaml',
      'groups/rack-b4.yaml',
      'images/rescue.yaml',
      'menus/main.yaml',
      'menus/more.yaml',
      'policy.yaml',
      'recipes/tool.yaml',
    ])
    expect(files['recipes/tool.yaml']).toBe(byHand['recipes/tool.yaml'])
    for (const document of ['preseed.cfg', 'late.sh'] as const)
      expect(files[`answer-files/base.files/${document}`]).toBe(byHand[`answer-files/base.files/${document}`])
    expect(files['groups/rack-b4.yaml']).toBe(`name: rack-b4
priority: 5
selector:
  - label: rack
    equals: "4"
  - label: state
    in:
      - "on"
      - "no"
      - "4"
assignment:
  image: rescue
  version: 1
  params:
    text: |
      a
       b
    big: "12345678901234567890"
    "n": 1.5
    "no": null
`)
    expect((await other.run('apply', first)).err).toBe('')
    const second = join(folder, 'second')
    await other.run('export', second)
    expect(await read(second)).toEqual(files)
    expect(files['menus/more.yaml']).toContain('image: rescue\n    version: 1\n')
    // A repeated export writes nothing, and leaves comments alone.
    await writeFile(join(second, 'menus/more.yaml'), `# Mine.\n${files['menus/more.yaml']}`)
    expect((await other.run('export', second)).out).toMatch(': 0 files written, 0 deleted, 11 already')
    expect((await read(second))['menus/more.yaml']).toMatch('# Mine.')
  })

  test('with one bad file among fifty changes nothing, and the fault has its file, line and field', async () => {
    const groups = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [
        `groups/many-${index}.yaml`,
        'everybody: true\nassignment:\n  local: true\n',
      ]),
    )
    groups['groups/many-33.yaml'] = 'everybody: true\nassignment:\n  args: [quiet]\n  image: nothing\n'
    await write(groups)
    const before = (await operator.run('group', 'list', '--json')).out
    const result = await operator.run('apply', folder)
    expect([result.exitCode, lines(result.err)]).toEqual([
      1,
      [
        'bootwright: groups/many-33.yaml:4: assignment.image: expected the name of an image, got "nothing"',
        'nothing was changed',
      ],
    ])
    await write({
      'groups/many-33.yaml': 'everybody: true\nassignment: {}\npriorty: 3\n',
      'groups/many-34.yaml': 'selector:\n  - label: a\n    equals: x\n  - label: b\n    equals: 5\nassignment: {}\n',
      'menus/m.yaml': 'entries: []\n',
      'answer-files/a.yaml': 'documents:\n  - name: x\n',
      'answer-files/a.files/x': 'one\ntwo {{ nothing }}\n',
      'policy.yaml': 'kind: menu\n',
    })
    expect(lines((await operator.run('apply', folder, '--dry-run')).err)).toEqual([
      expect.stringMatching(/policy\.yaml:1: menu is required/),
      'groups/many-33.yaml:3: unknown field "priorty"; did you mean priority?',
      'groups/many-34.yaml:5: selector[1].equals: expected a string, got "5"',
      'menus/m.yaml:1: title is required',
      'menus/m.yaml:1: entries: expected at least one entry, got "[]"',
      'nothing was changed',
    ])
    await rm(join(folder, 'menus'), { recursive: true })
    await rm(join(folder, 'policy.yaml'))
    await write({
      'recipes/bad.yaml':
        '# One.\ntitle: T\nfamily: t\nvariants:\n  - kind: efi\n    arch: x86_64\n    file: { url: ftp://x }\n',
      'recipes/typo.yaml': 'title: T\nfamilie: t\nvariants: []\n',
      'groups/many-33.yaml': 'everybody: true\nassignment: {}\n',
      'groups/many-34.yaml': 'everybody: true\nassignment: {}\n',
      'answer-files/a.files/x': 'one\n',
    })
    expect(lines((await operator.run('apply', folder)).err)).toEqual([
      'bootwright: recipes/bad.yaml:7: variants[0].file.url: expected an http or https URL, got "ftp://x"',
      'recipes/typo.yaml:1: family is required',
      'recipes/typo.yaml:3: variants: expected at least one variant, got "[]"',
      'recipes/typo.yaml:2: unknown field "familie"; did you mean family?',
      'nothing was changed',
    ])
    await rm(join(folder, 'recipes'), { recursive: true })
    await write({
      'answer-files/a.files/x': 'one\ntwo {{ nothing }}\n',
      'groups/many-33.yaml': 'everybody: true\nassignment: {}\n',
      'groups/many-34.yaml': 'everybody: true\nassignment: {}\n',
    })
    // Faults of documents, of names and of several files are all listed at once.
    await write({ 'groups/many-35.yaml': 'everybody: true\nassignment:\n  menu: nothing\n' })
    expect(lines((await operator.run('apply', folder)).err)).toEqual([
      expect.stringMatching(/^bootwright: answer-files\/a\.files\/x:2: documents\[0\]\.text: expected valid Liquid/),
      'groups/many-35.yaml:3: assignment.menu: expected the name of a menu, got "nothing"',
      'nothing was changed',
    ])
    expect((await operator.run('group', 'list', '--json')).out).toBe(before)
  })

  test('creates and replaces many groups at once, each with its entry in the audit log', async () => {
    const many = (priority: number) =>
      Object.fromEntries(
        Array.from({ length: 600 }, (_, n) => [
          `groups/a${n}.yaml`,
          `everybody: true\nassignment: {args: [n=${n}]}\npriority: ${n % 2 === 0 ? 1 : priority}\n`,
        ]),
      )
    await write(many(2))
    const created = await operator.run('apply', folder, '--owner', 'many')
    expect(lines(created.out).at(-1)).toBe('applied: 600 created, 0 changed, 0 unchanged, 0 deleted')
    await write(many(3))
    const changed = await operator.run('apply', folder, '--owner', 'many')
    expect(lines(changed.out).at(-1)).toBe('applied: 0 created, 300 changed, 300 unchanged, 0 deleted')
    const log = await listChanges(operator.boot.deps.db, { subject: 'a7' }, 10)
    expect(log).toMatchObject([
      { type: 'group.changed', before: { priority: 2 }, after: { priority: 3, assignment: { args: ['n=7'] } } },
      { type: 'group.created', after: { priority: 2 } },
    ])
    await rm(join(folder, 'groups'), { recursive: true })
    await write(fresh)
    const pruned = await operator.run('apply', folder, '--owner', 'many', '--take', '--prune')
    expect(lines(pruned.out).at(-1)).toMatch(/600 deleted$/)
  })

  test.each([
    ['a duplicate key', 'everybody: true\neverybody: true\n', ':2: expected each key only once, got "everybody" again'],
    ['a tab', 'assignment:\n\timage: a\n', ':2: expected YAML: Tabs are not allowed'],
    ['two documents', 'a: 1\n---\nb: 1\n', ':2: expected one YAML document, got several'],
    ['another name', 'everybody: true\nname: other\n', ':2: name: expected x, as in the name of the file, got "other"'],
    ['a number beyond JSON', 'a: 1\nb: [12345678901234567890]\n', ':2: expected a number that JSON can represent'],
    ['an infinite number', 'priority: .inf\n', ':1: expected a number that JSON can represent'],
    ['an unknown tag', 'a: !ruby/object x\n', ':1: expected YAML: Unresolved tag'],
    ['a list', '- a\n', ':1: expected fields, got'],
    ['nothing', '', ':1: expected fields, got'],
    ['a merge of an anchor', 'a: &a {b: 1}\n<<: *a\n', 'unknown field'],
    [
      'aliases without end',
      `a: &a [x]\n${'bcdefgh'
        .split('')
        .map((name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(9)}]`)
        .join('\n')}\n`,
      ':1: expected YAML with few aliases',
    ],
    ['deep nesting', `a: ${'['.repeat(200_000)}`, ':1: expected YAML'],
    ['UTF-16', '\u0000e\u0000v', ': expected UTF-8, got UTF-16'],
  ])('is refused with %s', async (_, text, message) => {
    await write({ ...fresh, 'groups/x.yaml': text })
    const result = await operator.run('apply', folder)
    expect([result.exitCode, result.err]).toEqual([
      1,
      expect.stringContaining(`groups/x.yaml${message.startsWith(':') ? message : ''}`),
    ])
    expect(result.err).toContain(message)
  })

  test('is refused with files that do not belong there, links out of it, and huge files', async () => {
    await write({
      ...fresh,
      'group/typo.yaml': '',
      'groups/Upper.yaml': '',
      'groups/old.yml': '',
      'answer-files/a.yaml': 'documents:\n  - name: absent\n',
      'answer-files/a.files/unnamed': '',
      'answer-files/b.files/x': '',
      'menus/huge.yaml': '',
    })
    await truncate(join(folder, 'menus/huge.yaml'), 2 ** 40)
    await symlink('/etc/passwd', join(folder, 'groups/link.yaml'))
    await symlink('/etc', join(folder, 'images'))
    await symlink('all.yaml', join(folder, 'groups/inside.yaml'))
    const result = await operator.run('apply', folder)
    expect(lines(result.err)).toEqual([
      expect.stringContaining('images: expected a file in the folder, got a link that leads out of it'),
      'answer-files/a.yaml:2: documents[0].name: expected the name of a file in answer-files/a.files, got "absent"',
      'answer-files/a.files/unnamed: expected only documents that answer-files/a.yaml names',
      'answer-files/b.files: expected answer-files/b.yaml, which names the documents',
      'group: expected only groups/, menus/, answer-files/, images/, recipes/, policy.yaml',
      'groups/link.yaml: expected a file in the folder, got a link that leads out of it',
      expect.stringMatching(/^groups\/Upper\.yaml: expected NAME\.yaml/),
      expect.stringMatching(/^groups\/old\.yml: expected NAME\.yaml/),
      'menus/huge.yaml: expected at most 4194304 bytes, got 1099511627776',
    ])
    expect((await operator.run('apply', join(folder, 'nowhere'))).err).toMatch('no such file')
    await mkdir(join(folder, 'empty'))
    expect((await operator.run('apply', join(folder, 'empty'), '--prune')).err).toMatch('expected a file in groups/')
  })

  test('shows the plan with each difference, and prunes what it owns', async () => {
    await write({
      ...fresh,
      'groups/old.yaml': 'everybody: true\nassignment: {}\npriority: 3\n',
      'answer-files/diff.yaml': 'documents:\n  - name: a\n',
      'answer-files/diff.files/a': 'one\ntwo\nthree\n',
      'recipes/tool.yaml': byHand['recipes/tool.yaml'],
      'recipes/gone.yaml': byHand['recipes/tool.yaml'],
    })
    expect((await operator.run('apply', folder, '--owner', 'plan', '--take')).exitCode).toBe(0)
    await write({
      'groups/all.yaml': 'everybody: true\npriority: 2\nassignment: {args: [quiet]}\n',
      'answer-files/diff.files/a': 'one\n2\nthree\n',
    })
    await write({ 'recipes/tool.yaml': byHand['recipes/tool.yaml'].replace('Ours', 'Mine') })
    await rm(join(folder, 'recipes/gone.yaml'))
    await rm(join(folder, 'groups/old.yaml'))
    const plan = await operator.run('apply', folder, '--owner', 'plan', '--prune', '--dry-run')
    expect([plan.exitCode, lines(plan.out)]).toEqual([
      0,
      [
        'recipe tool changed: ',
        '  recipes/tool.yaml:',
        '  @@ line 1 -> 1 @@',
        '  -# Ours.',
        '  +# Mine.',
        "   title: 'Tool'",
        'answer file diff changed: ',
        '  a:',
        '  @@ line 1 -> 1 @@',
        '   one',
        '  -two',
        '  +2',
        '   three',
        'group all changed: assignment.args: nothing -> ["quiet"]; priority: nothing -> 2',
        'group old deleted: 0 machines',
        'recipe gone deleted',
        'plan: 0 created, 3 changed, 0 unchanged, 2 deleted; nothing was changed',
      ].map((line) => line.trimEnd().replace(/:$/, (end) => (line.startsWith('  ') ? end : ''))),
    ])
    await operator.run('machine', 'set', '52:54:00:00:00:01', '--hostname', 'one')
    const refused = await operator.run('apply', folder, '--owner', 'plan', '--prune')
    expect([refused.exitCode, refused.out]).toEqual([
      1,
      expect.stringContaining('group old deleted: 1 machine; REFUSED: 1 machine of the group'),
    ])
    expect(refused.err).toContain('nothing was applied, because machines use group old')
    const done = await operator.run('apply', folder, '--owner', 'plan', '--prune', '--prune-used')
    expect(lines(done.out).at(-1)).toBe('applied: 0 created, 3 changed, 0 unchanged, 2 deleted')
    expect((await operator.run('export', join(folder, 'of-plan'), '--owner', 'plan')).exitCode).toBe(0)
    expect(Object.keys(await read(join(folder, 'of-plan')))).toEqual([
      ...[
        '.gitattributes',
        'answer-files/diff.files/a',
        'answer-files/diff.yaml',
        'groups/all.yaml',
        'recipes/tool.yaml',
      ],
    ])
  })

  test('is exported without a link in the way, and deletes files only with the word', async () => {
    await write({ 'groups/gone.yaml': 'everybody: true\nassignment: {}\n', 'answer-files/gone.files/x': 'x' })
    const refused = await other.run('export', folder)
    expect([refused.exitCode, refused.err]).toEqual([
      1,
      expect.stringContaining('got groups/gone.yaml, answer-files/gone.files/x. Next step: --replace'),
    ])
    expect(Object.keys(await read(folder))).toHaveLength(2)
    expect((await other.run('export', folder, '--replace')).out).toMatch('2 deleted')
    expect(Object.keys(await read(folder))).not.toContain('groups/gone.yaml')
    const linked = join(folder, 'linked')
    await mkdir(linked)
    await symlink(folder, join(linked, 'groups'))
    expect((await other.run('export', linked)).err).toMatch(/linked\/groups: expected a file or a folder, got a link/)
  })
})
