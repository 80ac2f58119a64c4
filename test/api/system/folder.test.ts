import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { listChanges } from '../../../src/inventory/changes/changes.ts'
import { saveFile } from '../../../src/inventory/images/files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const sha256 = createHash('sha256').update('kernel').digest('hex')
const file = { sha256, name: 'vmlinuz', sizeBytes: 6 }
const variant = { kind: 'linux', arch: 'x86_64', kernel: { sha256, name: 'vmlinuz' }, initrds: [], args: ['quiet'] }
const folder = {
  policy: { kind: 'menu', menu: 'main' },
  images: [
    { name: 'rescue', title: 'Rescue', endOfLife: '2030-01-31', installer: false, variants: [variant] },
    { name: 'tools', title: 'Tools', variants: [{ kind: 'local', arch: 'x86_64' }] },
  ],
  answerFiles: [
    {
      name: 'base',
      title: 'Base',
      documents: [{ name: 'preseed.cfg', mediaType: 'text/plain', text: 'a {{ machine.mac }}\r\n\tb\n\n' }],
    },
  ],
  // Each menu leads to the other.
  menus: [
    {
      name: 'main',
      title: 'Main',
      timeoutSeconds: 30,
      defaultEntry: 'disk',
      entries: [
        { name: 'disk', text: 'Disk', kind: 'local' },
        { name: 'more', text: 'More', kind: 'menu', menu: 'more' },
      ],
    },
    {
      name: 'more',
      title: 'More',
      entries: [
        { name: 'back', text: 'Back', kind: 'menu', menu: 'main' },
        { name: 'rescue', text: 'Rescue', kind: 'image', image: 'rescue', args: ['a=1'] },
      ],
    },
  ],
  groups: [
    { name: 'all', everybody: true, assignment: { params: { zebra: 1, a: { long_name: [1, 'x'], b: null } } } },
    {
      name: 'rack-b4',
      title: 'Rack',
      priority: 5,
      selector: [{ label: 'rack', equals: 'b4' }],
      assignment: { image: 'rescue' },
    },
  ],
  recipes: [
    {
      name: 'tool',
      text: "# Ours.\r\ntitle: T\nfamily: t\nvariants: [{ kind: efi, arch: x86_64, file: { url: 'http://192.0.2.1/x' } }]",
    },
  ],
}

eachDatabase('folders over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(() => saveFile(database(), file))

  const apply = (body: object, dryRun = false, headers = {}) =>
    api.ask('POST', `/api/v1/apply${dryRun ? '?dryRun=true' : ''}`, body, headers)
  const exported = async () => {
    const { omitted: _, ...body } = (await api.ask('GET', '/api/v1/export')).body
    return body
  }
  const outcomes = (body: { items: { kind: string; name?: string; outcome: string }[] }) =>
    body.items.map(({ kind, name, outcome }) => [kind, name, outcome].filter(Boolean).join(' '))
  const changesOf = async (db: Db) => (await listChanges(db, {}, 1000)).map(({ type, subject }) => `${type} ${subject}`)

  test('are applied as a whole, change nothing the second time, and are exported as they were given', async () => {
    const plan = await apply(folder, true)
    expect([plan.status, plan.body.dryRun, await exported()]).toEqual([
      200,
      true,
      { policy: { kind: 'local' }, groups: [], menus: [], answerFiles: [], images: [], recipes: [] },
    ])
    expect(await changesOf(database())).toEqual([])
    const first = await apply(folder, false, { 'if-match': plan.headers.get('etag') as string })
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({
      created: 8,
      changed: 1,
      unchanged: 0,
      deleted: 0,
      dryRun: false,
      owner: 'folder',
    })
    expect(first.body.items).toEqual(plan.body.items)
    expect(outcomes(first.body)).toEqual([
      'recipe tool created',
      'image rescue created',
      'image tools created',
      'answer-file base created',
      'menu main created',
      'menu more created',
      'group all created',
      'group rack-b4 created',
      'policy changed',
    ])
    expect(await exported()).toEqual(folder)
    const made = await changesOf(database())
    const again = await apply(folder)
    expect(again.body).toMatchObject({ created: 0, changed: 0, unchanged: 9, deleted: 0, items: [] })
    expect(await changesOf(database())).toEqual(made)
    expect(await apply(await exported())).toMatchObject({ status: 200, body: { unchanged: 9, items: [] } })
  })

  test('show each difference with its old and new value, and replace what a person changed', async () => {
    await apply(folder)
    await api.ask('PATCH', '/api/v1/groups/rack-b4', { priority: 9 })
    const { body } = await apply(folder, true)
    expect(outcomes(body)).toEqual(['group rack-b4 changed'])
    expect(body.items[0]).toMatchObject({ before: { priority: 9 }, after: { priority: 5 } })
    await apply(folder)
    expect((await api.ask('GET', '/api/v1/groups/rack-b4')).body.priority).toBe(5)
  })

  test('are refused whole, with all faults and their places', async () => {
    const groups = [
      ...Array.from({ length: 48 }, (_, index) => ({
        name: `g${index}`,
        everybody: true,
        assignment: { local: true },
      })),
      { name: 'bad', everybody: true, assignment: { image: 'nothing', answerFile: 'none' } },
    ]
    const absent = { ...variant, kernel: { sha256: 'f'.repeat(64), name: 'vmlinuz' } }
    const images = [
      { name: 'absent', variants: [absent] },
      { name: 'debian-12', recipe: 'debian-12' },
    ]
    const reply = await apply({ groups, images })
    expect([reply.status, reply.body.errors.map(({ field }: { field: string }) => field)]).toEqual([
      422,
      [
        'images[0].variants[0] vmlinuz',
        'images[1].recipe',
        'groups[48].assignment.image',
        'groups[48].assignment.answerFile',
      ],
    ])
    expect(reply.body.detail).toContain('bootwright image add debian-12 --recipe debian-12')
    expect((await exported()).groups).toEqual([])
    const schema = await apply({
      groups: [
        { ...groups[0], priority: 'high' },
        { ...groups[1], assignmnt: {} },
      ],
    })
    expect(schema.body.errors.map(({ field }: { field: string }) => field)).toEqual([
      'groups[0].priority',
      'groups[1].assignmnt',
    ])
    const liquid = { documents: [{ name: 'a', mediaType: 'text/plain', text: 'x\n{{ nothing }}' }], name: 'base' }
    expect((await apply({ answerFiles: [liquid] })).body.errors[0].field).toBe('answerFiles[0].documents[0].text')
    const twins = await apply({ groups: [groups[0], groups[1], groups[0]] })
    expect(twins.body.errors).toEqual([{ field: 'groups[2].name', value: 'g0', expected: 'each name only once' }])
    expect((await apply({})).status).toBe(422)
    expect(await changesOf(database())).toEqual([])
  })

  test('are refused if something changed since the plan, and the refusal names the change', async () => {
    await apply(folder)
    const changed = { ...folder, groups: [{ ...folder.groups[0], priority: 1 }, folder.groups[1]] }
    const plan = await apply(changed, true)
    await api.ask('PATCH', '/api/v1/groups/all', { priority: 7 })
    const late = await apply(changed, false, { 'if-match': plan.body.etag })
    expect([late.status, late.body.detail]).toEqual([
      412,
      expect.stringMatching(/changed since the plan.*group\.changed all by/),
    ])
    expect((await api.ask('GET', '/api/v1/groups/all')).body.priority).toBe(7)
    // Two people apply the same plan at once: one of them is first.
    const { body } = await apply(changed, true)
    const both = await Promise.all(
      [1, 2].map((priority) =>
        apply({ ...changed, groups: [{ ...changed.groups[0], priority }, changed.groups[1]] }, false, {
          'if-match': body.etag,
        }),
      ),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412])
  })

  test('prune only what their owner applied, also menus that lead to each other, and only with the word', async () => {
    await apply(folder)
    await api.ask('PUT', '/api/v1/groups/by-hand', { everybody: true, assignment: {} })
    await apply({ owner: 'other', groups: [{ name: 'of-other', everybody: true, assignment: {} }] })
    const rest = { groups: [folder.groups[0]], policy: { kind: 'local' } }
    expect(outcomes((await apply(rest, true)).body)).toEqual(['policy changed'])
    const pruned = [
      'group rack-b4',
      'menu main',
      'menu more',
      'answer-file base',
      'image rescue',
      'image tools',
      'recipe tool',
    ]
    const plan = await apply({ ...rest, prune: true }, true)
    expect(outcomes(plan.body)).toEqual(['policy changed', ...pruned.map((name) => `${name} deleted`)])
    expect(plan.body.items[1].before).toEqual(folder.groups[1])
    expect((await apply({ ...rest, prune: true })).body.deleted).toBe(7)
    const left = await exported()
    expect(left.groups.map(({ name }: { name: string }) => name)).toEqual(['all', 'by-hand', 'of-other'])
    expect([left.menus, left.answerFiles, left.images, left.recipes]).toEqual([[], [], [], []])
    // A thing that a person made again under the same name has no owner.
    await api.ask('DELETE', '/api/v1/groups/all')
    await api.ask('PUT', '/api/v1/groups/all', { everybody: true, assignment: {} })
    expect(outcomes((await apply({ policy: { kind: 'local' }, prune: true })).body)).toEqual([])
  })

  test('prune nothing that machines use', async () => {
    await saveImage(database(), 'debian-12', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    await apply(folder)
    await saveMachine(
      database(),
      { mac: '52:54:00:00:00:01' },
      { labels: { rack: 'b4' }, assignment: { image: 'tools' } },
      {},
      'tester',
    )
    const rest = { policy: { kind: 'local' }, groups: [folder.groups[0]], prune: true }
    const plan = await apply(rest, true)
    const refused = plan.body.items.filter(({ refused }: { refused?: string }) => refused)
    expect(
      refused.map(({ name, machines, refused }: { name: string; machines?: number; refused: string }) => [
        name,
        machines,
        refused,
      ]),
    ).toEqual([
      ['rack-b4', 1, expect.stringContaining('1 machine of the group')],
      ['rescue', undefined, 'image rescue is used by group rack-b4'],
      ['tools', undefined, 'image tools is used by machine 52:54:00:00:00:01'],
    ])
    const reply = await apply(rest)
    expect([reply.status, reply.body.detail]).toEqual([
      409,
      expect.stringContaining('group rack-b4: 1 machine of the group'),
    ])
    expect(await exported()).toEqual({
      ...folder,
      images: [expect.objectContaining({ name: 'debian-12' }), ...folder.images],
    })
    const used = await apply({ ...rest, images: folder.images, pruneUsed: true })
    expect([used.status, outcomes(used.body)]).toEqual([200, expect.arrayContaining(['group rack-b4 deleted'])])
  })

  test('refuse the things of another folder until they are taken over', async () => {
    const group = { name: 'all', everybody: true, assignment: {} }
    await apply({ owner: 'site-a', groups: [group] })
    const refused = await apply({ owner: 'site-b', groups: [group] })
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('group all (site-a)')])
    const taken = await apply({ owner: 'site-b', groups: [group], take: true })
    expect(taken.body.items).toEqual([{ kind: 'group', name: 'all', outcome: 'unchanged', takenFrom: 'site-a' }])
    expect((await api.ask('GET', '/api/v1/export?owner=site-b')).body.groups).toEqual([group])
    expect((await api.ask('GET', '/api/v1/export?owner=site-a')).body.groups).toEqual([])
  })

  test('of images: a recipe or variants, kept with the recipe, and with the machines that boot them', async () => {
    const recipe = { name: 'debian-12', version: '12.9' }
    await saveImage(
      database(),
      'debian-12',
      { title: 'Debian', variants: [{ kind: 'local', arch: 'x86_64' }], recipe },
      {},
      'tester',
    )
    await apply(folder)
    const form = { name: 'debian-12', title: 'Debian', recipe: 'debian-12' }
    expect((await exported()).images[0]).toEqual(form)
    const adopted = await apply({ images: [form] })
    expect(adopted.body.items).toEqual([{ kind: 'image', name: 'debian-12', outcome: 'unchanged', adopted: true }])
    expect(outcomes((await apply({ images: [{ ...form, title: 'Debian 12' }] })).body)).toEqual([
      'image debian-12 changed',
    ])
    expect((await exported()).images[0]).toEqual({ ...form, title: 'Debian 12' })
    const other = await apply({ images: [{ ...form, recipe: 'debian-13' }] })
    expect(other.body.errors[0]).toMatchObject({ field: 'images[0].recipe', value: 'debian-12' })
    const next = { ...folder.images[0], variants: [{ ...variant, args: ['debug'] }] }
    await saveMachine(database(), { mac: '52:54:00:00:00:02' }, { assignment: { image: 'rescue' } }, {}, 'tester')
    expect((await apply({ images: [next] }, true)).body.items[0]).toMatchObject({ outcome: 'changed', machines: 1 })
    await apply({ images: [next] })
    expect((await api.ask('GET', '/api/v1/images/rescue')).body).toMatchObject({ version: 2, variants: next.variants })
  })

  test('say what an export leaves out, and take bodies of more than a mebibyte', async () => {
    await apply(folder)
    await api.ask('PUT', '/api/v1/groups/rack-b4/secrets/root_password', { value: 'hidden' })
    const { omitted } = (await api.ask('GET', '/api/v1/export')).body
    expect(omitted[0]).toBe('the values of the secrets of group rack-b4: root_password')
    expect(JSON.stringify(omitted)).not.toContain('hidden')
    const documents = [{ name: 'a', mediaType: 'text/plain', text: 'x'.repeat(260_000) }]
    const answerFiles = Array.from({ length: 6 }, (_, index) => ({ name: `a${index}`, documents }))
    expect((await apply({ answerFiles })).status).toBe(200)
    const tooMany = Array.from({ length: 70 }, (_, index) => ({ name: `a${index}`, documents }))
    expect((await apply({ answerFiles: tooMany })).status).toBe(413)
  })
})
