import { describe, expect, test } from 'vitest'
import { checkFile } from '../../scripts/prose/check-file.ts'
import { checkNames } from '../../scripts/prose/check-names.ts'
import { checkText } from '../../scripts/prose/check-text.ts'
import { readMarkdown } from '../../scripts/prose/read-markdown.ts'
import { readTemplate } from '../../scripts/prose/read-template.ts'
import { readTypescript } from '../../scripts/prose/read-typescript.ts'
import { joined, type Kind } from '../../scripts/prose/text.ts'

/** Former sentences of this project, each with its plain form. */
const sentences: [kind: Kind, was: string, plain: string][] = [
  ['message', 'Bootwright serves.', 'Bootwright is running.'],
  [
    'paragraph',
    'A machine that nobody entered is recorded as *discovered*, with what it says of itself',
    'An unknown machine is recorded as *discovered*, together with the facts it reports',
  ],
  [
    'paragraph',
    '`explain` says who the machine was taken for, what won, what lost and why',
    '`explain` shows which machine Bootwright identified, which rule decided, and why the others did not',
  ],
  [
    'paragraph',
    'A recipe says where a distribution keeps its files, how they are checked, and until when it is mended',
    'A recipe says where the files are, how they are verified, and when support ends',
  ],
  [
    'paragraph',
    'What was cut off, by a line, a kill or a full disk, goes on where it was, and no image is there before all its files are, checked',
    'Interrupted downloads and uploads resume. An image appears only after all its files are downloaded and verified',
  ],
  [
    'paragraph',
    'What was cut off, by a line, a kill or a full disk, goes on where it was, and no image is there before all its files are, checked',
    'Interrupted downloads and uploads resume. An image appears only after all its files have been downloaded and verified',
  ],
  [
    'paragraph',
    'Every stored file is hashed again once a week, and its size is looked at whenever it is used.',
    'Every stored file is re-verified weekly, and its size is checked on each use.',
  ],
  [
    'paragraph',
    'One that is not what it should be is not served: its machines are told so on their screens, and the log of changes says it',
    'A corrupted file is never served: affected machines show the reason on screen, and the audit log records it',
  ],
  ['heading', 'Menus, and the own disk', 'Menus and local boot'],
  [
    'paragraph',
    'Not `secrets`: a script is given to whoever names a MAC',
    '`secrets` are not available here: anyone who knows a MAC address can fetch its script',
  ],
  [
    'paragraph',
    'of one that is done, what should be known before it is booted',
    'when it is done: notes to read before booting it',
  ],
  [
    'paragraph',
    '`BOOTWRIGHT_IMPORTS_AT_ONCE` run at the same time',
    '`BOOTWRIGHT_IMPORTS_AT_ONCE` sets how many imports run in parallel',
  ],
  [
    'paragraph',
    'The start lists it, and ends with the setting at fault when it cannot: a key that does not fit, …, nobody there',
    'At startup Bootwright lists the bucket. If that fails, it exits and names the setting: wrong key, missing bucket, wrong region, clock skew, host unreachable',
  ],
  [
    'paragraph',
    "From another address it cannot use the machine's own token, but its own it can",
    "From another address it cannot use the machine's token, but it can request and use a token of its own",
  ],
  [
    'paragraph',
    'the semicolon before it is no end of a command to iPXE, only inside a word',
    'iPXE does not treat this semicolon as a command separator, because it is inside a word',
  ],
  [
    'message',
    'The boot server sends as many files as it may: ask again later.',
    'Too many downloads in progress. Try again later.',
  ],
  ['screen', 'What to do: chain to /boot.ipxe, which asks rightly', 'Next step: chain http://SERVER/boot.ipxe instead'],
  ['screen', 'the inventory does not answer', 'the Bootwright database is unreachable'],
  ['screen', 'set denied to false if it may boot', 'to allow it: bootwright machine set MAC --allow'],
  [
    'screen',
    'has been at its end of life since 2026-06-30: nobody mends it any more',
    'reached end of life on 2026-06-30 and no longer receives security updates',
  ],
  ['message', 'This address opens no answer file, or not any more.', 'No answer file here, or the link has expired.'],
  ['message', 'It is no MAC address of a machine.', 'Not a MAC address.'],
  ['message', 'It is key=value.', 'Expected KEY=VALUE.'],
  [
    'command',
    'hash the bytes of files again; of all when none is named',
    'verify stored files (all, if none is given)',
  ],
  ['message', 'so many at most', 'maximum number of results'],
  [
    'summary',
    'change what an image is called, and when its maker ceases to mend it',
    "Set an image's title or end-of-life date",
  ],
  [
    'command',
    'change what an image is called, and when its maker ceases to mend it',
    "set an image's title or end-of-life date",
  ],
  ['setting', 'boots are forgotten after so many days', 'Days to keep boot records'],
  ['setting', 'boots are forgotten after so many days', 'days to keep boot records'],
  [
    'setting',
    'what arrived of broken-off downloads and uploads is kept for so many days',
    'days to keep incomplete downloads and uploads',
  ],
  ['message', 'It opens nothing any more', 'Token revoked'],
  ['log', 'the care of files was broken off', 'file maintenance was interrupted'],
  ['log', 'imports wait', 'import loop failed, retrying in 5 s'],
  [
    'comment',
    'Who takes longer for a piece is cut off, milliseconds: by a byte now and then it would keep its place for ever.',
    'Clients that take longer than this per chunk are disconnected; otherwise one byte at a time could hold a slot forever.',
  ],
  [
    'comment',
    'What nobody holds and was wanted longest ago makes room.',
    'Evicts the least recently used chunk that has no readers.',
  ],
]

const faultsOf = (kind: Kind, value: string) => checkText({ kind, pieces: [{ value, offset: 0 }] })

describe('the prose check', () => {
  test.each(sentences)('refuses the %s %j', (kind, was) => {
    expect(faultsOf(kind, was)).not.toEqual([])
    expect(faultsOf('paragraph', was)).not.toEqual([])
  })

  test.each(sentences)('accepts as %s, instead of %j: %j', (kind, _, plain) => {
    expect(faultsOf(kind, plain)).toEqual([])
    expect(faultsOf('paragraph', plain)).toEqual([])
  })

  test('refuses a phrase in any kind of text, with the words and what to write instead', () => {
    for (const kind of ['paragraph', 'message', 'comment', 'title', 'log'] as const)
      expect(faultsOf(kind, 'the server waits for so many days, and files stay for ever')).toMatchObject([
        { found: 'so many', instead: expect.stringContaining('a noun phrase') },
        { found: 'for ever', instead: 'forever' },
      ])
  })

  test('limits a sentence to 25 words, in comments to 30', () => {
    const sentence = (words: number) =>
      `Begin${Array.from({ length: words - 1 }, (_, index) => ` w${index}`).join('')}.`
    expect(faultsOf('paragraph', `${sentence(25)} ${sentence(25)}`)).toEqual([])
    expect(faultsOf('paragraph', sentence(26))).toMatchObject([{ found: '26 words' }])
    expect(faultsOf('comment', sentence(30))).toEqual([])
    expect(faultsOf('comment', sentence(31))).toMatchObject([{ found: '31 words' }])
  })

  test('counts code and an address as one word each, and looks for no phrase across them', () => {
    expect(faultsOf('paragraph', `\`${'a b. '.repeat(30)}\` begins here, see https://host/so?many=1.`)).toEqual([])
  })

  test('requires a verb at the beginning of a summary or a command description', () => {
    expect(faultsOf('summary', 'Images by name')).toMatchObject([{ found: 'Images …' }])
    expect(faultsOf('summary', 'list images')).toMatchObject([{ found: 'list' }])
    expect(faultsOf('summary', 'List images')).toEqual([])
    expect(faultsOf('command', 'one deployment')).toMatchObject([{ found: 'one …' }])
    expect(faultsOf('command', 'show a deployment')).toEqual([])
  })

  test('requires lower case at the beginning of log messages', () => {
    expect(faultsOf('log', 'Import failed')).toMatchObject([{ found: 'Import' }])
    expect(faultsOf('log', 'TFTP cannot listen there')).toEqual([])
  })

  test('refuses a clause as the subject of a sentence, but not a question or a heading', () => {
    expect(faultsOf('paragraph', 'What it brings takes the place of the old one.')).not.toEqual([])
    expect(faultsOf('paragraph', 'What does a machine boot?')).toEqual([])
    expect(faultsOf('heading', 'What a machine boots')).toEqual([])
    expect(faultsOf('comment', 'What a machine reports of its hardware.')).toEqual([])
    expect(faultsOf('comment', 'What arrived is kept.')).toMatchObject([{ found: 'What arrived …' }])
  })

  test('refuses a repeated word', () => {
    expect(faultsOf('paragraph', 'It is in the the folder.')).toMatchObject([{ found: 'the the' }])
  })
})

describe('a fault', () => {
  test('names the file, the line, the words and what to write instead', () => {
    expect(checkFile('docs/page.md', '# Page\n\nA first line.\nFiles stay\nfor ever.\n')).toEqual([
      'docs/page.md:4: "for ever": forever',
    ])
    expect(
      checkFile('src/a.ts', "export const a = 1\n/**\n * Starts.\n * It waits for ever.\n */\nthrow Error('x')\n"),
    ).toEqual(['src/a.ts:4: "for ever": forever'])
  })
})

describe('the reader', () => {
  const kinds = (texts: ReturnType<typeof readMarkdown>) => texts.map((text) => [text.kind, joined(text).trim()])

  test('finds paragraphs, headings, list items and table cells in Markdown, and no blocks of code', () => {
    const page =
      '# A *page*\n\nText with `code`.\n\n- an [item](x.md)\n\n```\nso many\n```\n\n| name | meaning |\n|---|---|\n| `a` | its text |\n'
    expect(kinds(readMarkdown(page))).toEqual([
      ['heading', 'A page'],
      ['paragraph', 'Text with `code`.'],
      ['paragraph', 'an item'],
      ['heading', 'name'],
      ['heading', 'meaning'],
      ['paragraph', '`a`'],
      ['paragraph', 'its text'],
    ])
  })

  test('finds comments and screen texts in iPXE templates', () => {
    const template =
      '#!ipxe\n# The same for all.\necho Machine <%= it.mac %>: error ${errno}\nsleep 30\n<% if (it.a) { %>\n'
    expect(kinds(readTemplate(template))).toEqual([
      ['comment', 'The same for all.'],
      ['screen', 'Machine XXXXXXXXXXXXX: error XXXXXXXX'],
    ])
  })

  test('finds the kind of each text in a program', () => {
    const program = `
import x from 'not a text'
// one comment
// on two lines
const setting = { path: '/a b', meaning: 'days to keep' }
image.command('list').description('list images').option('--a', 'an option with ' + 'two parts')
deps.log.warn({ mac }, \`nothing came from \${mac} in time\`)
throw new InputError('Expected a MAC address')
await sql\`select it from nothing\`
`
    expect(kinds(readTypescript('src/cli/x.ts', program))).toEqual([
      ['comment', 'one comment\n on two lines'.replace('\n ', '\n')],
      ['setting', 'days to keep'],
      ['command', 'list images'],
      ['message', 'an option with two parts'],
      ['log', 'nothing came from XXXXXX in time'],
      ['message', 'Expected a MAC address'],
    ])
  })

  test('finds the summaries of API operations', () => {
    const program = "export const list = endpoint({ operationId: 'listImages', summary: 'List images' })"
    expect(kinds(readTypescript('src/api/images.ts', program))).toEqual([['summary', 'List images']])
  })

  test('finds comments and titles in tests, not the texts they expect', () => {
    const program = "// a comment\ntest.each(cases)('does what it says', () => expect(a).toBe('another text'))\n"
    expect(kinds(readTypescript('test/x.test.ts', program))).toEqual([
      ['comment', 'a comment'],
      ['title', 'does what it says'],
    ])
  })
})

describe('the check of names', () => {
  test.each([
    ['const one = 1', ['one']],
    ['items.filter((one) => one.open)', ['one']],
    ['function f({ known, name: said }: T, [shown]: U) {}', ['known', 'said', 'shown']],
    ['const mostTransfers = 3', ['mostTransfers']],
    ['type Limits = { mostBytes: number }', ['mostBytes']],
    ['const { id, ...rest } = item', []],
    ['const maxTransfers = 3', []],
    ['deps.known(item)', []],
  ])('%s has these vague names: %j', (source, names) => {
    expect(checkNames('a.ts', source).map(({ found }) => found)).toEqual(names)
  })
})
