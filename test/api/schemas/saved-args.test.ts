import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { loadRecipes } from '../../../src/intake/recipes.ts'
import type { FileRef } from '../../../src/model/image.ts'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { upload } from '../machines/bulk-rows.ts'

let kernel: FileRef
const variant = (kind: string, args: string[]) =>
  ({
    linux: { kind, arch: 'x86_64', kernel, args },
    wimboot: { kind, arch: 'x86_64', wimboot: kernel, files: [kernel], args },
    efi: { kind, arch: 'x86_64', file: kernel, args },
  })[kind]

let opened: OpenDb
let api: Api
beforeAll(async () => {
  opened = await openTestDatabase()
  api = await openApi(opened.db)
  kernel = await addFile(api, 'vmlinuz', 'linux')
  await api.ask('PUT', '/api/v1/images/tool', { variants: [variant('linux', [])] })
  await api.ask('PUT', '/api/v1/machines/525400aabb01', {})
})
afterAll(async () => {
  await api.remove()
  await opened.close()
})

const menu = (args: string[]) => ({
  title: 'Menu',
  entries: [{ name: 'tool', text: 'Tool', kind: 'image', image: 'tool', args }],
})
const places: [string, (args: string[]) => Promise<{ status: number; text: string }>][] = (
  [
    ...['linux', 'wimboot', 'efi'].map((kind) => [
      `a ${kind} variant`,
      (args: string[]) => ['PUT', '/api/v1/images/other', { variants: [variant(kind, args)] }],
    ]),
    [
      'a group',
      (args: string[]) => [
        'PUT',
        '/api/v1/groups/web',
        { selector: [{ fact: 'mac', exists: true }], assignment: { args } },
      ],
    ],
    ['a machine', (args: string[]) => ['PUT', '/api/v1/machines/525400aabb02', { assignment: { args } }]],
    ['a machine, patched', (args: string[]) => ['PATCH', '/api/v1/machines/525400aabb01', { assignment: { args } }]],
    [
      'a deployment',
      (args: string[]) => ['POST', '/api/v1/deployments', { machine: '525400aabb01', image: 'tool', args }],
    ],
    [
      'deployments',
      (args: string[]) => [
        'POST',
        '/api/v1/deployments/bulk',
        { selector: [{ fact: 'mac', exists: true }], image: 'tool', args, dryRun: true },
      ],
    ],
    ['a menu', (args: string[]) => ['PUT', '/api/v1/menus/main', menu(args)]],
  ] as [string, (args: string[]) => [string, string, object]][]
).map(([name, request]) => [
  name,
  async (args) => {
    const { status, body } = await api.ask(...request(args))
    return { status, text: JSON.stringify(body) }
  },
])
const bulk: typeof places = [
  [
    'a row of NDJSON',
    async (args) => {
      const { status, text } = await upload(api, [{ mac: '525400aabb03', assignment: { args } }])
      return { status: text.includes('"errors"') ? 422 : status, text }
    },
  ],
  [
    'a row of CSV',
    async (args) => {
      const { status, text } = await upload(api, `mac,args\n52:54:00:aa:bb:04,${args.join(' ')}\n`)
      return { status: text.includes('"errors"') ? 422 : status, text }
    },
  ],
]

describe.each([...places, ...bulk])('args of %s', (_, save) => {
  test.each([
    ['||', 'not an operator'],
    ['#w', 'not beginning with #'],
    ['dir=\\', 'not ending with a backslash'],
    ['kbd=é', 'printable ASCII'],
    ['initrd=mine', 'no initrd='],
  ])('refuse %s when they are saved', async (arg, why) => {
    const { status, text } = await save(['loglevel=4', arg])
    expect([status, text]).toEqual([422, expect.stringContaining(why)])
  })

  test('are saved if they can be booted', async () => {
    expect((await save(['loglevel=4', 'a||b'])).status).toBeLessThan(300)
  })
})

test.each(['||', 'x=é', 'initrd=mine', 'a="b c"'])(
  'a recipe with %s is listed as a fault with its reason',
  async (arg) => {
    const folder = await mkdtemp(join(tmpdir(), 'bootwright-recipe-'))
    const recipe = {
      title: 'Tool',
      family: 'tools',
      variants: [{ kind: 'efi', arch: 'x86_64', file: { url: 'https://example.org/tool.efi' }, args: [arg] }],
    }
    await writeFile(join(folder, 'tool.yaml'), JSON.stringify(recipe))
    const { recipes, faults } = await loadRecipes([folder])
    expect(recipes.size).toBe(0)
    expect(faults).toMatchObject([
      {
        recipe: 'tool',
        file: expect.stringMatching(/tool\.yaml$/),
        message: expect.stringMatching(/^the args for x86_64\[0\]: expected/),
      },
    ])
    await rm(folder, { recursive: true })
  },
)

test('a machine, its export, a decision and a deployment contain the patterns that remove arguments', async () => {
  await api.ask('PUT', '/api/v1/images/tool', { variants: [variant('linux', ['quiet', 'console=tty0'])], draft: false })
  await api.ask('DELETE', '/api/v1/groups/web')
  await api.ask('PUT', '/api/v1/groups/serial', {
    selector: [{ fact: 'mac', exists: true }],
    assignment: { args: ['console=ttyS0'], withoutArgs: ['console=*'] },
  })
  const own = { image: 'tool', withoutArgs: ['quiet'] }
  await upload(api, 'mac,image,withoutArgs\n52-54-00-aa-bb-05,tool,quiet splash*\n')
  await upload(api, [{ mac: '525400aabb06', assignment: own }])
  expect((await api.ask('GET', '/api/v1/machines/525400aabb05')).body.assignment).toEqual({
    image: 'tool',
    withoutArgs: ['quiet', 'splash*'],
  })
  const csv = await api.ask('GET', '/api/v1/machines/export?format=csv')
  expect(csv.body).toMatch(/withoutArgs/)
  expect(csv.body).toContain('quiet splash*')
  expect((await api.ask('GET', '/api/v1/machines/525400aabb06/decision')).body.spec).toMatchObject({
    args: ['quiet', 'console=tty0', 'console=ttyS0'],
    withoutArgs: [
      { pattern: 'console=*', count: 2 },
      { pattern: 'quiet', count: 3 },
    ],
  })
  const order = { machine: '525400aabb06', image: 'tool', withoutArgs: ['console=ttyS0'] }
  expect((await api.ask('POST', '/api/v1/deployments', order)).body).toMatchObject({ withoutArgs: ['console=ttyS0'] })
  expect((await api.ask('GET', '/api/v1/machines/525400aabb06/decision')).body.spec.withoutArgs.at(-1)).toEqual({
    pattern: 'console=ttyS0',
    count: 3,
  })
  const bad = { assignment: { withoutArgs: ['two words'] } }
  expect((await api.ask('PATCH', '/api/v1/machines/525400aabb06', bad)).status).toBe(422)
})
