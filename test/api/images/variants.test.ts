import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { sha256 } from '../../helpers/boot-server.ts'
import { openTestDatabase } from '../../helpers/database.ts'

const bytes = 'some file'
const hash = sha256(Buffer.from(bytes))
const file = (name: string) => ({ sha256: hash, name })
const linux = { kind: 'linux', arch: 'x86_64', kernel: file('vmlinuz'), initrds: [], args: ['inst.stage2={{ tree }}'] }
const wimboot = {
  kind: 'wimboot',
  arch: 'x86_64',
  wimboot: file('wimboot'),
  files: [file('BCD'), file('boot.sdi'), file('boot.wim')],
  args: ['gui', 'index={{ params.index }}'],
}
const target = 'iscsi:{{ params.portal }}::::iqn.2026-01.org.example:{{ machine.hostname }}'
const chap = { username: '{{ secrets.chap_user }}', password: 'chap_password' }
const san = { kind: 'sanboot', arch: 'x86_64', target, chap }

let opened: OpenDb
let api: Api
beforeAll(async () => {
  opened = await openTestDatabase()
  api = await openApi(opened.db)
  await api.app.request(`/api/v1/files/${hash}?name=some`, { method: 'PUT', body: bytes })
})
afterAll(async () => {
  await api.remove()
  await opened.close()
})

const put = (variant: object) => api.ask('PUT', '/api/v1/images/kinds', { variants: [variant], draft: false })
const treeOf = (...paths: string[]) => ({ ...linux, tree: paths.map((path) => ({ path, sha256: hash })) })

describe('a variant is returned as it was saved', () => {
  test.each<[string, object]>([
    [
      'linux with a tree',
      treeOf('images/install.img', '.treeinfo', 'pool/g++_1.2~deb12.deb', 'a b/ü', 'casper/x.squashfs'),
    ],
    ['wimboot', wimboot],
    ['wimboot for arm64 and UEFI', { ...wimboot, arch: 'arm64', platform: 'efi' }],
    ['sanboot from a file', { kind: 'sanboot', arch: 'x86_64', platform: 'pcbios', file: file('live.iso') }],
    [
      'sanboot from a target',
      { kind: 'sanboot', arch: 'x86_64', target: 'iscsi:192.0.2.1::3261:1:iqn.2026-01.org.example:a' },
    ],
    [
      'sanboot from a target that is all Liquid',
      { ...san, target: '{{ params.root_path }}', initiator: 'iqn.2026-01.org.example:{{ machine.name }}' },
    ],
    [
      'sanboot with CHAP both ways',
      { ...san, chap: { ...chap, reverse: { username: 'target', password: 'reverse' } } },
    ],
  ])('%s', async (_, variant) => {
    const { status, body } = await put(variant)
    expect([[200, 201].includes(status), body.variants]).toEqual([true, [variant]])
  })

  test('and the decision for a machine contains it', async () => {
    await put(san)
    const params = { portal: '192.0.2.1', index: '1' }
    await api.ask('PUT', '/api/v1/machines/525400000001', { hostname: 'web1', assignment: { image: 'kinds', params } })
    for (const name of ['chap_user', 'chap_password'])
      await api.ask('PUT', `/api/v1/machines/525400000001/secrets/${name}`, { value: 'chap-secret-1' })
    expect((await api.ask('GET', '/api/v1/machines/525400000001/decision')).body.spec).toEqual({
      kind: 'sanboot',
      target,
      chap,
    })
    await put(treeOf('a'))
    const { spec } = (await api.ask('GET', '/api/v1/machines/525400000001/decision')).body
    expect(spec).toMatchObject({ kind: 'linux', tree: expect.stringMatching(/^[0-9a-f]{16}$/) })
    await put(wimboot)
    expect((await api.ask('GET', '/api/v1/machines/525400000001/decision')).body.spec).toMatchObject({
      kind: 'wimboot',
    })
  })
})

describe('a variant is refused with the wrong field', () => {
  test.each<[string, object, string]>([
    ...[
      '',
      '/etc/passwd',
      '../a',
      'a/../b',
      './a',
      'a/.',
      'a//b',
      'a/',
      'a\\b',
      'a\nb',
      'a\0b',
      'a\u2028b',
      'x'.repeat(256),
    ].map((path): [string, object, string] => [
      `tree with ${JSON.stringify(path.slice(0, 20))}`,
      treeOf(path),
      'variants[0].tree[0].path',
    ]),
    ['a path twice', treeOf('a', 'a'), 'variants[0].tree'],
    ['2001 files', treeOf(...Array.from({ length: 2001 }, (_, index) => String(index))), 'variants[0].tree'],
    ['a tree of another kind', { ...wimboot, tree: [] }, 'variants[0].tree'],
    ['{{ tree }} without one', linux, 'variants[0].args'],
    ['a file that is not stored', { ...linux, tree: [{ path: 'a/b', sha256: 'f'.repeat(64) }] }, 'variants[0] a/b'],
    ['no files', { ...wimboot, files: [] }, 'variants[0].files'],
    ['names that Windows takes for the same', { ...wimboot, files: [file('BCD'), file('bcd')] }, 'variants[0].files'],
    [
      '33 files',
      { ...wimboot, files: Array.from({ length: 33 }, (_, index) => file(`f${index}`)) },
      'variants[0].files',
    ],
    ['a path for a name', { ...wimboot, files: [file('boot/BCD')] }, 'variants[0].files[0].name'],
    ['secrets in args', { ...wimboot, args: ['{{ secrets.a }}'] }, 'variants[0].args[0]'],
    ['neither file nor target', { kind: 'sanboot', arch: 'x86_64' }, 'variants[0].target'],
    ['file and target', { ...san, file: file('a.iso') }, 'variants[0].target'],
    ['CHAP for a file', { kind: 'sanboot', arch: 'x86_64', file: file('a.iso'), chap }, 'variants[0].file'],
    ...[
      'http://192.0.2.1/a',
      'iscsi:a b',
      'iscsi:${net0/ip}',
      'iscsi:{{ secrets.a }}',
      'iscsi:{{ nobody.a }}',
      'iscsi:{{ a',
      '',
    ].map((text): [string, object, string] => [
      `target ${JSON.stringify(text)}`,
      { ...san, target: text },
      'variants[0].target',
    ]),
    ['a secret in the initiator', { ...san, initiator: '{{ secrets.a }}' }, 'variants[0].initiator'],
    ['a password that is no name', { ...san, chap: { ...chap, password: 'Pass word' } }, 'variants[0].chap.password'],
    ['a user without password', { ...san, chap: { username: 'a' } }, 'variants[0].chap.password'],
    ['reverse alone', { ...san, chap: { reverse: chap } }, 'variants[0].chap.username'],
  ])('%s', async (_, variant, field) => {
    const { status, body } = await put(variant)
    expect([status, body.errors?.[0]?.field]).toEqual([422, field])
  })
})
