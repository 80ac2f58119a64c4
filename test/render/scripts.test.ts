import { describe, expect, test } from 'vitest'
import type { BootSpec, Decision, SanSpec } from '../../src/model/decision.ts'
import { createScripts, type ScriptContext } from '../../src/render/scripts.ts'
import { readTemplates } from '../../src/server/templates.ts'

const scripts = createScripts(readTemplates())
const file = (name: string, digit: string) => ({ name, sha256: digit.repeat(64) })
const linux: BootSpec = {
  kind: 'linux',
  kernel: file('vmlinuz', 'a'),
  initrds: [file('initrd.gz', 'b'), file('firmware.cpio.gz', 'c')],
  args: ['console=ttyS0', 'ds=nocloud;s=http://10.0.0.1/', 'report={{ boot.url }}', '{{ machine.labels.extra }}'],
}

const textOf = (...parts: Parameters<typeof scripts.script>) => scripts.script(...parts).text
const decision = (spec: BootSpec, platform: 'efi' | 'pcbios' = 'efi'): Decision => ({
  target: { arch: 'x86_64', platform, assumed: [] },
  machine: {
    id: '01900000-0000-7000-8000-000000000001',
    name: 'web1',
    hostname: 'web1',
    discovered: false,
    labels: { extra: 'quiet' },
  },
  image: { name: 'debian-12', version: 3 },
  groups: [],
  params: {},
  notices: [],
  spec,
  reasons: [
    { candidate: 'machine web1', won: true, why: 'identified by MAC 52:54:00:12:34:56' },
    { candidate: 'policy local', won: false, why: 'only for machines without an assignment' },
  ],
})
const context = (after: ScriptContext['after'] = 'retry'): ScriptContext => ({
  facts: { mac: '52:54:00:12:34:56' },
  base: 'http://10.0.0.1:8080',
  boot: { id: '01900000-0000-7000-8000-000000000002', token: 'preview' },
  after,
})

const withTree: BootSpec = {
  ...linux,
  args: ['inst.stage2={{ tree }}', 'url={{ tree }}/live.iso'],
  tree: '0123456789abcdef',
}
const wimboot: BootSpec = {
  kind: 'wimboot',
  wimboot: file('wimboot', '1'),
  files: [file('BCD', '2'), file('boot.sdi', '3'), file('boot.wim', '4')],
  args: ['gui', 'index={{ params.index | default: 1 }}'],
}
const oneWay = { username: '{{ machine.name }}', password: 'chap_password' }
const san: SanSpec = {
  kind: 'sanboot',
  target: 'iscsi:[2001:db8::2]:::1:iqn.2026-01.org.example:{{ machine.name }}',
  initiator: 'iqn.2026-01.org.example:{{ machine.name }}',
  chap: {
    username: '{{ secrets.chap_user }}',
    password: 'chap_password',
    reverse: { username: 'target', password: 'chap_reverse' },
  },
}
const secrets = { chap_user: 'web1-user', chap_password: '12characters', chap_reverse: '=$f{}#x;||' }

const menu: Extract<BootSpec, { kind: 'menu' }> = {
  kind: 'menu',
  menu: 'main',
  title: '-- What shall ${net0/mac} boot? --',
  timeoutSeconds: 20,
  defaultEntry: 'disk',
  entries: [
    { name: 'disk', text: 'The own disk', hotkey: 'd' },
    { name: 'install', text: 'Install Debian 12 || shell # now' },
  ],
}
const alone: Decision = {
  ...decision(linux),
  asOf: '2026-11-27T14:03:22.000Z',
  notices: ['decided without the database, as of 14:03:22 UTC'],
}
const deployment: Decision = {
  ...decision(linux),
  deployment: { id: '01900000-0000-7000-8000-000000000009', attempt: 2, maxAttempts: 3 },
}
const gaveUp = 'the installation of debian-12 failed: 3 of 3 attempts were used, but the machine never reported an end'

describe('the text that a machine reads, whole', () => {
  test.each<[string, string]>([
    ['bootstrap', scripts.bootstrap('')],
    ['bootstrap-retry', createScripts(readTemplates(), 'retry').bootstrap('')],
    ['bootstrap-tftp', scripts.bootstrap('http://10.0.0.1:8080')],
    ['linux-efi', textOf(decision(linux), context())],
    ['linux-pcbios', textOf(decision(linux, 'pcbios'), context())],
    ['efi', textOf(decision({ kind: 'efi', file: file('memtest.efi', 'd'), args: ['nosmp'] }), context())],
    ['linux-tree', textOf(decision(withTree), context())],
    ['wimboot-efi', textOf(decision(wimboot), { ...context(), documents: ['bcd', 'autounattend.xml'] })],
    ['wimboot-pcbios', textOf(decision(wimboot, 'pcbios'), context())],
    ['sanboot-file', textOf(decision({ kind: 'sanboot', file: file('live.iso', 'f') }), context())],
    ['sanboot-target', textOf(decision({ ...san, chap: undefined }, 'pcbios'), context())],
    ['sanboot-chap', textOf(decision(san, 'pcbios'), context())],
    ['san-efi', scripts.san(decision(san), context('halt'), secrets)],
    ['san-pcbios', scripts.san(decision({ ...san, initiator: undefined, chap: oneWay }, 'pcbios'), context(), secrets)],
    ['ipxe', textOf(decision({ kind: 'ipxe', file: file('menu.ipxe', 'e') }), context())],
    ['local-efi', textOf(decision({ kind: 'local', method: 'exit-1' }), context())],
    ['local-pcbios', textOf(decision({ kind: 'local', method: 'sanboot' }, 'pcbios'), context())],
    ['local-exit-0', textOf(decision({ kind: 'local', method: 'exit-0' }), context())],
    ['local-file', textOf(decision({ kind: 'local', method: { file: '\\EFI\\debian\\grubx64.efi' } }), context())],
    ['menu', textOf(decision(menu), context())],
    ['menu-waits', textOf(decision({ ...menu, timeoutSeconds: null, defaultEntry: null }), context())],
    ['shell', textOf(decision({ kind: 'shell' }), context())],
    ['reboot', textOf(decision({ kind: 'reboot' }), context())],
    ['deployment', textOf(deployment, context())],
    ['without-database', textOf(alone, context())],
    ['gave-up', textOf({ ...decision({ kind: 'local', method: 'exit-1' }), notices: [gaveUp] }, context())],
    ['wait', textOf(decision({ kind: 'wait' }), context())],
    [
      'refusal-retry',
      textOf(
        decision({
          kind: 'refusal',
          code: 'BW-NO-VARIANT',
          reason: 'image debian-12 has no variant for arm64 efi; existing variants: x86_64 any platform',
          nextStep: 'to add one: bootwright image add debian-12 --arch arm64',
        }),
        context(),
      ),
    ],
    ['refusal-local', textOf(decision({ kind: 'refusal', reason: 'a', nextStep: 'b' }, 'pcbios'), context('local'))],
    ['refusal-halt', textOf(decision({ kind: 'refusal', reason: 'a', nextStep: 'b' }), context('halt'))],
  ])('%s', (name, text) => expect(text).toMatchFileSnapshot(`../golden/${name}.ipxe`))
})

describe('every script', () => {
  test('begins with the bytes that make it one, and has no empty line', () => {
    for (const spec of [linux, menu, { kind: 'wait' }, { kind: 'shell' }] as BootSpec[]) {
      const text = textOf(decision(spec), context())
      expect(text.startsWith('#!ipxe\n')).toBe(true)
      expect(text).not.toContain('\n\n')
    }
  })

  test('has no line for the console that is longer than 80 columns', () => {
    const long = `${'a-long-sentence of words '.repeat(9)}${'x'.repeat(70)}`
    const refused: BootSpec = { kind: 'refusal', code: 'BW-NO-VARIANT', reason: long, nextStep: long }
    const named: BootSpec = { ...linux, initrds: [file(`${'n'.repeat(120)}.gz`, 'b')] }
    for (const spec of [refused, named, { kind: 'wait' }, { kind: 'shell' }] as BootSpec[]) {
      const text = textOf({ ...decision(spec), notices: [long] }, context())
      const values: Record<string, string> = { problem: '2d0c613b', failures: '5', pause: '50' }
      for (const [, task = ''] of text.matchAll(/^set task (.*)$/gm)) {
        values.task = task
        for (const [, line = ''] of text.matchAll(/echo (.*?)(?: \|\|)?$/gm)) {
          const printed = line.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values[name] ?? '')
          expect(printed.length, printed).toBeLessThanOrEqual(80)
        }
      }
    }
  })

  test('is the same for the same input', () => {
    expect(textOf(decision(linux), context())).toBe(textOf(decision(linux), context()))
  })
})
