import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { faultPorts, startFaults, unusedAddress } from '../../scripts/lab/faults.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { addRules, serverAddress } from '../../scripts/lab/net.ts'
import { parseIpxeCode } from '../../src/model/codes/ipxe.ts'
import { assignLab, bootTimeoutMs, describeLab, describeWholeLab, lastBoot } from './lab-tests.ts'

const { http, https, closed, silent, silentTftp } = faultPorts
const site = `http://${serverAddress}:${http}`
const iqn = 'iqn.2026-01.test.lab:disk'

/** A fault: the commands that provoke it, and the first six digits of its code, in iPXE of 2025 under UEFI if that differs. */
type Probe = { name: string; command: string; code: string; newer?: string; only?: 'efi' }
const probes: Probe[] = [
  { name: 'http-404', command: `imgfetch ${site}/404`, code: '2d0c61' },
  { name: 'http-401', command: `imgfetch ${site}/401`, code: '020c61' },
  { name: 'http-403', command: `imgfetch ${site}/403`, code: '410c61' },
  { name: 'http-410', command: `imgfetch ${site}/410`, code: '1d0c64' },
  { name: 'http-500', command: `imgfetch ${site}/500`, code: '1d0c65' },
  { name: 'http-600', command: `imgfetch ${site}/600`, code: '1d0c61' },
  { name: 'http-short', command: `imgfetch ${site}/short`, code: '1d0c62' },
  { name: 'http-reset', command: `imgfetch ${site}/reset`, code: '0f0a60' },
  { name: 'not-http', command: `imgfetch ${site}/raw`, code: '1c0c61' },
  { name: 'tcp-closed', command: `imgfetch http://${serverAddress}:${closed}/x`, code: '0f0a60' },
  { name: 'scheme', command: 'imgfetch gopher://x/y', code: '3c0920' },
  { name: 'https', command: `imgfetch https://${serverAddress}:${https}/x`, code: '3c0920', newer: '0216eb' },
  { name: 'tftp-missing', command: `imgfetch tftp://${serverAddress}/none.efi`, code: '2d1260', newer: '2d1261' },
  // A BIOS starts any bytes: iPXE cannot tell a PXE program from a text.
  { name: 'not-a-program', command: `chain ${site}/text`, code: '2e0080', only: 'efi' },
  { name: 'iscsi-closed', command: `sanhook --drive 0x80 iscsi:${serverAddress}:::1:${iqn}`, code: '0f0a60' },
  { name: 'dns-none', command: 'imgfetch http://unknown.test/x', code: '3e1162' },
  { name: 'dns-silent', command: `set dns ${unusedAddress} && imgfetch http://unknown.test/x`, code: '4c1160' },
  { name: 'dns-unknown', command: `set dns ${serverAddress} && imgfetch http://unknown.test/x`, code: '3e1161' },
  { name: 'tcp-silent', command: `imgfetch http://${serverAddress}:${silent}/x`, code: '4c0a60' },
  { name: 'unused-address', command: `imgfetch http://${unusedAddress}/x`, code: '4c0a60' },
  { name: 'tftp-silent', command: `imgfetch tftp://${serverAddress}:${silentTftp}/x`, code: '4c1260' },
  { name: 'no-route', command: `ifclose net0 && imgfetch http://${serverAddress}:${http}/x`, code: '280a60' },
  // The DHCP server ignores this user class.
  { name: 'dhcp-silent', command: 'set user-class mute && dhcp net0', code: '040ee1' },
]
const script = [
  '#!ipxe',
  'echo PROBE version ${version}',
  ...probes.flatMap(({ name, command, only }) => [
    ...(only === undefined ? [] : [`iseq \${platform} ${only} || goto after-${name}`]),
    `${command} ||`,
    `echo PROBE ${name} \${errno:hexraw}`,
    'imgfree ||',
    `:after-${name}`,
  ]),
  'echo PROBE end',
  // The console needs a moment for the line.
  'sleep 10',
  'reboot',
].join('\n')

describeWholeLab('a code that iPXE prints', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
    await startFaults(lab.net, lab.workDir, script)
    const file = await lab.addFile('probe.ipxe', Buffer.from(script))
    const variants = [{ kind: 'ipxe', arch: 'x86_64', file }]
    await lab.server.api('PUT', '/images/probe', { draft: false, title: 'Probes', variants })
  })
  afterAll(() => lab?.close())

  test.each([
    { iPxe: 'iPXE of 2019, BIOS', firmware: 'pcbios-x86_64', nbp: undefined, newer: false, mac: '52:54:00:6c:20:01' },
    { iPxe: 'iPXE of 2025, UEFI', firmware: 'efi-x86_64', nbp: 'ipxe.efi', newer: true, mac: '52:54:00:6c:20:02' },
    {
      iPxe: 'iPXE of 2019, UEFI',
      firmware: 'efi-x86_64',
      nbp: 'ipxe-2019.efi',
      newer: false,
      mac: '52:54:00:6c:20:03',
    },
  ] as const)('is decoded to the same error that iPXE names ($iPxe)', { timeout: 400_000 }, async (one) => {
    const rules = [
      ...(one.nbp === undefined ? [] : [`dhcp-boot=tag:!ipxe,${one.nbp},,${serverAddress}`]),
      `dhcp-boot=tag:ipxe,${site}/probe.ipxe`,
      // Without a DNS server.
      'dhcp-option=tag:ipxe,option:dns-server',
      'dhcp-userclass=set:mute,mute',
      'dhcp-ignore=tag:mute',
    ]
    // iPXE of 2025 fetches autoexec.ipxe from the TFTP server that it came from, before it looks at DHCP.
    if (one.newer) await lab.server.api('PUT', `/machines/${one.mac}`, { assignment: { image: 'probe' } })
    const machine = { firmware: one.firmware, mac: one.mac, lifetimeMs: 380_000 }
    const { console: screen, powerOff } = await lab.powerOn(machine, rules)
    try {
      await screen.waitFor(/^PROBE end/m, 370_000)
    } finally {
      await powerOff()
    }
    const text = screen.text()
    const mine = probes.filter(({ only }) => only === undefined || one.firmware.startsWith(only))
    const seen = mine.map(({ name }) => [name, new RegExp(`^PROBE ${name} (\\w{6})`, 'm').exec(text)?.[1]])
    expect(seen).toEqual(mine.map(({ name, code, newer }) => [name, (one.newer && newer) || code]))
    // `Connection timed out (http://ipxe.org/4c0a6035)`: the text is of the error or of the case within its file. iPXE has no text
    // for some codes, `Error 0x3e11613b`.
    const printed = /(?:\.\.\. |: )([^.:\n]+) \(https?:\/\/ipxe\.org\/([0-9a-f]{8})\b/g
    for (const [, message = '', digits = ''] of text.matchAll(printed)) {
      const { text: own, errorText } = parseIpxeCode(digits)
      expect([own, errorText, `Error 0x${digits}`], `${message} (${digits})`).toContain(message)
    }
  })
})

/** Resets each connection that asks for a file. The request begins after a TCP header with or without timestamps. */
const resetDownloads = [160, 256].map(
  (offset) => `tcp dport 8080 @th,${offset},80 0x474554202f66696c6573 reject with tcp reset`,
)

const machines = [
  { iPxe: 'BIOS', firmware: 'pcbios-x86_64', mac: '52:54:00:6c:20:11', digits: '0f0a6039' },
  { iPxe: 'UEFI', firmware: 'efi-x86_64', mac: '52:54:00:6c:20:12', digits: '0f0a6095' },
] as const

function describeFailures(lab: () => Lab, list: readonly (typeof machines)[number][]) {
  test.each(list)(
    'a failed download is explained on the screen within 80 columns, and the retry boots ($iPxe)',
    { timeout: 2 * bootTimeoutMs },
    async ({ firmware, mac, digits }) => {
      await assignLab(lab(), mac)
      const heal = addRules(lab().net, resetDownloads)
      const { console: screen, powerOff } = await lab().powerOn(
        { firmware, mac, lifetimeMs: 2 * bootTimeoutMs },
        bootRules.byFirmware,
      )
      try {
        await screen.waitFor(/^Retry 1 of 5 in 10 s\.$/m, bootTimeoutMs)
        heal()
        const shown = screen.text().split('\n')
        for (const line of [
          `Bootwright: loading kernel vmlinuz failed, error ${digits}`,
          'TCP: connection refused or reset',
          'Likely cause: The server is not running, or restarted.',
          'Next step: Check that the server is running: curl http://SERVER:8080/healthz.',
          `More: http://${serverAddress}:8080/help/${digits}`,
        ])
          expect(shown).toContain(line)
        const failed = await lastBoot(lab(), mac, ({ outcome }) => outcome === 'failed')
        expect(failed).toMatchObject({
          message: `iPXE: kernel failed, error ${digits}`,
          failure: { code: digits, title: 'TCP: connection refused or reset' },
        })
        await screen.waitFor(/guest: reported booted to http/, bootTimeoutMs)
      } finally {
        await powerOff()
      }
    },
  )
}

describeLab('a machine whose downloads fail', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())
  describeFailures(
    () => lab,
    machines.filter(({ iPxe }) => iPxe === 'BIOS'),
  )
})

describeWholeLab('a machine with UEFI', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())
  describeFailures(
    () => lab,
    machines.filter(({ iPxe }) => iPxe === 'UEFI'),
  )

  describe('that cannot reach the server after its script', () => {
    test('shows a built-in explanation, retries, and boots when the server is back', {
      timeout: 3 * bootTimeoutMs,
    }, async () => {
      const mac = '52:54:00:6c:20:13'
      const menu = { title: 'Lab', entries: [{ name: 'lab', text: 'Lab', kind: 'image', image: 'lab' }] }
      await lab.server.api('PUT', '/menus/lab', { ...menu, timeoutSeconds: 5, defaultEntry: 'lab' })
      await lab.server.api('PUT', `/machines/${mac}`, { assignment: { menu: 'lab' } })
      const { console: screen, powerOff } = await lab.powerOn(
        { firmware: 'efi-x86_64', mac, lifetimeMs: 3 * bootTimeoutMs },
        bootRules.byFirmware,
      )
      try {
        await screen.waitFor(/shows menu lab/, bootTimeoutMs)
        const heal = addRules(lab.net, ['tcp dport 8080 drop'])
        await screen.waitFor(/^Retry 1 of 5 in 10 s\.$/m, bootTimeoutMs)
        heal()
        const shown = screen.text().split('\n')
        expect(shown).toContain('Bootwright: loading the entry of the menu failed, error 4c0a6092')
        expect(shown).toContain('TCP: no answer from the server')
        expect(shown).toContain('More: https://ipxe.org/4c0a6092')
        await screen.waitFor(/guest: reported booted to http/, 2 * bootTimeoutMs)
      } finally {
        await powerOff()
      }
    })
  })

  test('shows why it is refused, within 80 columns', { timeout: bootTimeoutMs + 10_000 }, async () => {
    const mac = '52:54:00:6c:20:14'
    await lab.server.api('PUT', `/machines/${mac}`, { denied: true })
    const { console: screen, powerOff } = await lab.powerOn({ firmware: 'efi-x86_64', mac }, bootRules.byFirmware)
    try {
      await screen.waitFor(/^Retry 1 of 5 in 10 s\.$/m, bootTimeoutMs)
      const shown = screen.text().split('\n')
      for (const line of [
        `Bootwright: machine ${mac} is denied`,
        `Next step: to allow it: bootwright machine set ${mac} --allow`,
        `More: http://${serverAddress}:8080/help/BW-DENIED`,
      ])
        expect(shown).toContain(line)
    } finally {
      await powerOff()
    }
  })
})
