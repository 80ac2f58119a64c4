import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('images in brief over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  const put = (path: string, body: object) => api.ask('PUT', `/api/v1${path}`, body)

  test('have their size, their versions, the number of things that name them, and their files', async () => {
    const [kernel, initrd] = [await addFile(api, 'vmlinuz', '12345'), await addFile(api, 'initrd.gz', '123')]
    const linux = { kind: 'linux', arch: 'x86_64', kernel, initrds: [initrd], args: [] }
    const arm = { ...linux, arch: 'arm64', tree: [{ path: 'a/b', sha256: initrd.sha256 }] }
    await put('/images/tool', { title: 'Tool', variants: [linux, arm], endOfLife: '2028-06-30', source: 'by hand' })
    await put('/images/tool', { variants: [linux], draft: true })
    await put('/images/other', { variants: [{ kind: 'local', arch: 'i386' }] })
    await put('/machines/52:54:00:00:00:01', { assignment: { image: 'tool' } })
    await put('/groups/racks', { everybody: true, assignment: { image: 'tool' } })
    await put('/menus/tools', {
      title: 'Tools',
      entries: [{ kind: 'image', name: 'tool', text: 'Tool', image: 'tool' }],
    })

    const { status, body } = await api.ask('GET', '/api/v1/image-summaries?limit=1&after=other')
    expect([status, body]).toEqual([
      200,
      {
        items: [
          {
            name: 'tool',
            title: 'Tool',
            version: 1,
            newestVersion: 2,
            versions: 2,
            archs: ['arm64', 'x86_64'],
            kinds: ['linux'],
            sizeBytes: 8,
            damagedFiles: 0,
            endOfLife: '2028-06-30',
            source: 'by hand',
            versionAt: expect.any(String),
            uses: { assigned: 1, groups: 1, menus: 1, policy: false, deployments: 0 },
          },
        ],
      },
    ])
    const first = await api.ask('GET', '/api/v1/image-summaries?limit=1')
    expect([first.body.items[0].name, first.body.items[0].sizeBytes, first.body.next]).toEqual(['other', 0, 'other'])

    const files = await api.ask('GET', '/api/v1/images/tool/versions/1/files')
    expect([files.status, files.body.sizeBytes, files.body.items.length]).toEqual([200, 8, 2])
    expect(files.body.items[0]).toEqual({ sha256: kernel.sha256, name: 'vmlinuz', sizeBytes: 5 })
    expect((await api.ask('GET', '/api/v1/images/tool/versions/9/files')).status).toBe(404)
  })
})
