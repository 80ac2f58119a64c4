import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { makeInitrd } from '../../scripts/lab/initrd.ts'
import { type IscsiTarget, startIscsiTarget } from '../../scripts/lab/iscsi.ts'
import { makeIso } from '../../scripts/lab/iso.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { piece } from '../../scripts/lab/pieces.ts'
import type { VmOptions } from '../../scripts/lab/vm.ts'
import { type BootRecord, bootTimeoutMs, describeLab, describeWholeLab, lastBoot } from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 10_000 }
const bios = 'pcbios-x86_64'
const efi = 'efi-x86_64'

/** Switches a machine on that is assigned an image, and returns its last boot and its console once that has shown the pattern. */
async function boot(
  lab: Lab,
  machine: VmOptions,
  assignment: object,
  pattern: RegExp,
  outcome: string | undefined,
  rules = bootRules.byFirmware,
): Promise<{ boot: BootRecord; text: string }> {
  await lab.server.api('PUT', `/machines/${machine.mac}`, { hostname: `m${machine.mac.slice(-2)}`, assignment })
  const { console, powerOff } = await lab.powerOn(machine, rules)
  await console.waitFor(pattern, bootTimeoutMs).finally(powerOff)
  return { boot: await lastBoot(lab, machine.mac, (one) => one.outcome === outcome), text: console.text() }
}

const stagesOf = ({ events }: BootRecord) => events.map(({ stage }) => stage).filter((stage) => stage !== 'nbp')

const account = {
  user: 'lab-user',
  password: 'twelve-chars',
  reverseUser: 'lab-target',
  reversePassword: 'reverse-chars',
}
const disk = 'the iSCSI disk runs'

async function addSanImage(lab: Lab, target: IscsiTarget): Promise<void> {
  const chap = {
    username: '{{ secrets.chap_user }}',
    password: 'chap_password',
    reverse: { username: account.reverseUser, password: 'chap_reverse' },
  }
  const initiator = 'iqn.2026-01.test.lab:{{ machine.hostname }}'
  const variants = [{ arch: 'x86_64', kind: 'sanboot', target: target.uri, initiator, chap }]
  await lab.server.api('PUT', '/images/san', { draft: false, variants })
}

async function bootSan(
  lab: Lab,
  machine: VmOptions,
  secrets: Record<string, string>,
  pattern: RegExp,
  outcome: string,
) {
  await lab.server.api('PUT', `/machines/${machine.mac}`, {})
  const all = {
    chap_user: account.user,
    chap_password: account.password,
    chap_reverse: account.reversePassword,
    ...secrets,
  }
  for (const [name, value] of Object.entries(all))
    await lab.server.api('PUT', `/machines/${machine.mac}/secrets/${name}`, { value })
  const result = await boot(lab, machine, { image: 'san' }, pattern, outcome)
  for (const secret of Object.values(all)) expect(result.text).not.toContain(secret)
  return result
}

describeLab('beyond kernel and initrd', () => {
  let lab: Lab
  let target: IscsiTarget
  beforeAll(async () => {
    lab = await openLab()
    target = await startIscsiTarget(lab.net, lab.workDir, disk, account)
    await addSanImage(lab, target)
  })
  afterAll(async () => {
    await target?.stop()
    await lab?.close()
  })

  describe.concurrent('on BIOS', () => {
    test('an installer fetches further files from its tree', limit, async () => {
      const hashes: string[] = []
      for (const bytes of [randomBytes(3_000_001), Buffer.from('[general]\n')])
        hashes.push((await lab.addFile('file', bytes)).sha256)
      const { variants } = (await lab.server.api('GET', '/images/lab')) as { variants: { args: string[] }[] }
      const tree = ['images/install.img', '.treeinfo'].map((path, index) => ({ path, sha256: hashes[index] }))
      const [linux] = variants
      const variant = { ...linux, tree, args: [...(linux?.args ?? []), 'lab.tree={{ tree }}'] }
      await lab.server.api('PUT', '/images/installer', { draft: false, variants: [variant] })
      const machine = { firmware: bios, mac: '52:54:00:6c:09:01' } as const
      const { text } = await boot(lab, machine, { image: 'installer' }, /guest: reported booted/, 'booted')
      expect(text.match(/guest: tree .*/g)).toEqual([
        'guest: tree images/updates.img is not there',
        `guest: tree images/install.img ${hashes[0]}`,
        `guest: tree //.treeinfo ${hashes[1]}`,
      ])
    })

    test('a disk of a storage network starts, after CHAP both ways (iPXE of 2019)', limit, async () => {
      const { boot } = await bootSan(
        lab,
        { firmware: bios, mac: '52:54:00:6c:09:02' },
        {},
        /the iSCSI disk runs/,
        'handed-over',
      )
      expect(stagesOf(boot)).toEqual(['bootstrap', 'script', 'file', 'ready'])
    })
  })

  describeWholeLab('and in all', () => {
    beforeAll(async () => {
      const initrd = await makeInitrd(piece('x86_64'), lab.workDir)
      const iso = await lab.addFile('lab.iso', await makeIso(lab.workDir, initrd, ['console=ttyS0', 'lab.from=iso']))
      await lab.server.api('PUT', '/images/iso', {
        draft: false,
        variants: [{ arch: 'x86_64', kind: 'sanboot', file: iso }],
      })
      const shell = await lab.addFile('shellx64.efi', await readFile(piece('efi-shell/shellx64.efi')))
      const files = [
        await lab.addFile('BCD', randomBytes(16_384)),
        await lab.addFile('boot.sdi', randomBytes(3_170_304)),
        await lab.addFile('boot.wim', randomBytes(20_000_003)),
      ]
      // wimboot cannot be had from any registry: the EFI shell in its place sees the same files in the same way.
      const variants = [{ arch: 'x86_64', kind: 'wimboot', wimboot: shell, files }]
      await lab.server.api('PUT', '/images/winpe', { draft: false, variants })
      const text =
        '@echo -off\r\necho "for {{ machine.hostname }}, {{ params.edition }}"\r\nls fs0:\\\r\necho the end\r\nreset -s\r\n'
      await lab.server.api('PUT', '/answer-files/winpe', { documents: [{ name: 'startup.nsh', text }] })
    })

    describe.concurrent('one program', () => {
      test('iPXE text as an image: its URLs are those of the boot server', limit, async () => {
        const text = '#!ipxe\nimgfetch --name h /healthz && echo found it by ${cwuri} ||\nsleep 1\nreboot\n'
        const file = await lab.addFile('own.ipxe', Buffer.from(text))
        await lab.server.api('PUT', '/images/text', {
          draft: false,
          variants: [{ arch: 'x86_64', kind: 'ipxe', file }],
        })
        const machine = { firmware: bios, mac: '52:54:00:6c:09:31' } as const
        await boot(lab, machine, { image: 'text' }, /healthz\.\.\. ok\s+found it by/, 'handed-over')
      })

      test('an EFI program gets its arguments', limit, async () => {
        const file = await lab.addFile('shellx64.efi', await readFile(piece('efi-shell/shellx64.efi')))
        const args = ['-nostartup', 'echo', 'for-{{ machine.hostname }}']
        const variants = [{ arch: 'x86_64', kind: 'efi', file, args }]
        await lab.server.api('PUT', '/images/shell', { draft: false, variants })
        await boot(lab, { firmware: efi, mac: '52:54:00:6c:09:32' }, { image: 'shell' }, /\nfor-m32/, 'handed-over')
      })
    })

    describe.concurrent('a disk of a storage network', () => {
      test.each([
        ['is refused with another password', '11', { chap_password: 'twelve-other' }],
        ['refuses itself with another password of its own', '12', { chap_reverse: 'reverse-other' }],
      ])('%s, and the machine says so', limit, async (_, last, secrets) => {
        const machine = { firmware: bios, mac: `52:54:00:6c:09:${last}` } as const
        const { boot } = await bootSan(
          lab,
          machine,
          secrets,
          /starting the network disk failed, error [0-9a-f]{8}[\s\S]*failed\.\.\. ok/,
          'failed',
        )
        expect(boot.message).toMatch(/^iPXE: boot failed, error 0x[0-9a-f]+$/)
        expect(stagesOf(boot)).toEqual(['bootstrap', 'script', 'file', 'ready', 'failed'])
      })

      test('starts on UEFI', limit, async () => {
        const printed = /the iSCSI disk runs: \\EFI\\BOOT\\BOOTX64\.EFI/
        await bootSan(lab, { firmware: efi, mac: '52:54:00:6c:09:13' }, {}, printed, 'handed-over')
      })
    })

    describe.concurrent('Windows PE, and an ISO over HTTP', () => {
      const linuxRuns = /guest: .*lab\.from=iso/

      test('UEFI: all files have their names and sizes, and the answers are those of the machine', limit, async () => {
        const assignment = { image: 'winpe', everyBoot: true, answerFile: 'winpe', params: { edition: 'Standard' } }
        const { boot: record, text } = await boot(
          lab,
          { firmware: efi, mac: '52:54:00:6c:09:21' },
          assignment,
          /the end/,
          undefined,
        )
        expect(text).toContain('for m21, Standard')
        for (const [size, name] of [
          ['16,384', 'BCD'],
          ['3,170,304', 'boot.sdi'],
          ['20,000,003', 'boot.wim'],
        ])
          expect(text).toMatch(new RegExp(`${size}\\s+${name}`))
        expect(stagesOf(record)).toEqual([
          'bootstrap',
          'script',
          'kernel',
          'initrd',
          'initrd',
          'initrd',
          'answer-file',
          'ready',
        ])
      })

      test('BIOS, iPXE of 2019: Linux runs', limit, async () => {
        const { boot: record } = await boot(
          lab,
          { firmware: bios, mac: '52:54:00:6c:09:22' },
          { image: 'iso' },
          linuxRuns,
          'handed-over',
        )
        expect(stagesOf(record)).toEqual(['bootstrap', 'script', 'ready'])
      })

      test('UEFI, iPXE of 2025: Linux runs', limit, async () => {
        await boot(lab, { firmware: efi, mac: '52:54:00:6c:09:23' }, { image: 'iso' }, linuxRuns, 'handed-over')
      })
    })

    test('an ISO over HTTP: BIOS, iPXE of 2025: Linux runs', limit, async () => {
      const machine = { firmware: bios, mac: '52:54:00:6c:09:24' } as const
      await boot(
        lab,
        machine,
        { image: 'iso' },
        /guest: .*lab\.from=iso/,
        'handed-over',
        bootRules.oneFile('undionly-from-rom.pxe'),
      )
    })
  })
})
