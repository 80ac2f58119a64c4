import { describe, expect, test } from 'vitest'
import type { BootEvent, BootSummary } from '../../../src/model/boot.ts'
import { findGaps } from '../../../src/model/timeline/gaps.ts'

const start = Date.parse('2026-01-31T12:00:00Z')
const mac = '52:54:00:12:34:56'
const ip = '192.0.2.7'
const offline = '0.0.0.0'

/** An event, by the seconds after the start. */
const event = (seconds: number, parts: Partial<BootEvent> & Pick<BootEvent, 'stage'>): BootEvent => ({
  ip,
  at: new Date(start + seconds * 1000),
  ...parts,
})
const dhcp = (seconds: number, parts: Partial<BootEvent>) =>
  event(seconds, { stage: 'dhcp', mac, ip: offline, ...parts })
const offered = (seconds: number, parts: Partial<BootEvent> = {}) =>
  dhcp(seconds, { kind: 'offered', client: 'pxe', file: 'snponly.efi', ...parts })
const accepted = (seconds: number) => dhcp(seconds, { kind: 'accepted', ip, message: 'accepted 192.0.2.7' })
const answered = (seconds: number) => dhcp(seconds, { kind: 'answered', client: 'pxe', ip, file: 'snponly.efi' })
const ipxe = (seconds: number) => offered(seconds, { client: 'ipxe', file: 'http://192.0.2.1/boot.ipxe' })
const nbp = (seconds: number, parts: Partial<BootEvent> = {}) =>
  event(seconds, { stage: 'nbp', file: 'snponly.efi', bytes: 285_000, ...parts })
const boot = (parts: Partial<BootSummary>): BootSummary => ({
  id: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f',
  seq: 1,
  machineId: null,
  name: null,
  mac,
  ip,
  image: 'debian-12',
  version: 1,
  deploymentId: null,
  stage: 'script',
  movedAt: new Date(start + 10_000),
  progress: null,
  heardAt: null,
  outcome: null,
  message: null,
  refusalCode: null,
  startedAt: new Date(start + 10_000),
  endedAt: null,
  ...parts,
})
const opened = [offered(0), accepted(1), answered(2), nbp(3), ipxe(6), event(8, { stage: 'bootstrap' })]

const cases: [
  title: string,
  events: BootEvent[],
  boot: BootSummary | undefined,
  gaps: [string, string | undefined][],
][] = [
  ['a whole boot has none', opened, boot({ outcome: 'booted', stage: 'booted' }), []],
  [
    'a client that was ignored',
    [dhcp(0, { kind: 'ignored', message: 'ignored: known machines only' })],
    undefined,
    [['asked by DHCP, and proxyDHCP did not answer (ignored: known machines only)', undefined]],
  ],
  [
    'an offer, and no address',
    [offered(0), offered(4), offered(12)],
    undefined,
    [
      [
        'got the offer of this server, and accepted no address: no DHCP server gave one, or its answers do not pass here',
        'BW-POOL-EMPTY',
      ],
    ],
  ],
  [
    'an offer and an address, and no request for the file',
    [offered(0), accepted(4)],
    undefined,
    [
      [
        'got the offer of this server and an address, and never asked here for snponly.efi: another server named the boot file, or TFTP is blocked',
        'BW-FOREIGN-PROXY',
      ],
    ],
  ],
  [
    'an answer on port 4011, and no TFTP',
    [offered(0), accepted(4), answered(5), answered(6)],
    undefined,
    [['asked on port 4011, got snponly.efi, and never asked for it by TFTP', 'BW-TFTP-BLOCKED']],
  ],
  [
    'UEFI HTTP Boot that never asks by HTTP',
    [
      offered(0, { client: 'http' }),
      accepted(4),
      dhcp(5, { kind: 'answered', client: 'http', ip, file: 'http://x/a.efi' }),
    ],
    undefined,
    [['asked on port 4011, got http://x/a.efi, and never asked for it by HTTP', 'BW-HTTP-BLOCKED']],
  ],
  [
    'an iPXE ROM that got the URL and never asked for it',
    [ipxe(0)],
    undefined,
    [['iPXE got the URL of the bootstrap and never asked for it', 'BW-HTTP-BLOCKED']],
  ],
  [
    'a boot program that loads itself',
    [nbp(0), nbp(15)],
    undefined,
    [
      [
        'fetched snponly.efi twice, and never asked for /boot.ipxe: its second DHCP answer named the same file, so it loops',
        'BW-IPXE-LOOP',
      ],
    ],
  ],
  [
    'a boot program that loads itself for ever',
    Array.from({ length: 9 }, (_, n) => nbp(n * 15)),
    undefined,
    [
      [
        'fetched snponly.efi 9 times, and never asked for /boot.ipxe: its second DHCP answer named the same file, so it loops',
        'BW-IPXE-LOOP',
      ],
    ],
  ],
  [
    'two boot programs of one chain are no loop',
    [nbp(0, { file: 'undionly.kpxe' }), nbp(9), ipxe(11), event(12, { stage: 'bootstrap' })],
    boot({ outcome: 'booted' }),
    [],
  ],
  [
    'the doctor, which fetches the boot programs of all kinds of firmware, twice',
    ['snponly.efi', 'undionly.kpxe', 'ipxe-arm64.efi', 'snponly.efi', 'undionly.kpxe'].map((file, at) =>
      nbp(at, { file }),
    ),
    undefined,
    [
      [
        'fetched boot programs of several kinds of firmware: this was a check by the doctor or a person, no machine',
        undefined,
      ],
    ],
  ],
  [
    'a boot program that did not start',
    [offered(0), accepted(1), answered(2), nbp(3)],
    undefined,
    [
      [
        'fetched snponly.efi, and never asked for /boot.ipxe: the program did not start (Secure Boot, wrong firmware), got no address, or cannot reach HTTP',
        'BW-HTTP-BLOCKED',
      ],
    ],
  ],
  [
    'iPXE that started and cannot reach HTTP',
    [offered(0), accepted(1), nbp(3), ipxe(6)],
    undefined,
    [['iPXE started from snponly.efi, got its answer by DHCP, and never asked for /boot.ipxe', 'BW-HTTP-BLOCKED']],
  ],
  [
    'a bootstrap without a script',
    [nbp(0), event(5, { stage: 'bootstrap' })],
    undefined,
    [
      [
        'fetched the bootstrap, and never asked for its script: the URL in it does not reach this server',
        'BW-BASE-URL',
      ],
    ],
  ],
  [
    'autoexec.ipxe by TFTP, and no HTTP',
    [nbp(0), event(5, { stage: 'bootstrap', file: 'autoexec.ipxe' })],
    undefined,
    [['fetched autoexec.ipxe by TFTP, and never asked for its script by HTTP', 'BW-HTTP-BLOCKED']],
  ],
  [
    'TFTP answers that are lost',
    [nbp(0, { bytes: 0, message: 'timeout after 0 bytes' }), nbp(40, { bytes: 0, message: 'timeout after 0 bytes' })],
    undefined,
    [['asked for snponly.efi, and no packet of it arrived, twice', 'BW-TFTP-ANSWERS-BLOCKED']],
  ],
  [
    'a transfer that broke off',
    [nbp(0, { bytes: 1468, message: 'timeout after 1468 bytes' })],
    undefined,
    [['the transfer of snponly.efi was interrupted after 1468 bytes: packets are lost', 'BW-MTU']],
  ],
  [
    'a download that broke off',
    [
      ...opened,
      event(20, { stage: 'kernel', file: 'vmlinuz', bytes: 12, message: 'interrupted after 12 of 90 bytes' }),
    ],
    boot({ outcome: 'superseded' }),
    [['the download of vmlinuz was interrupted after 12 bytes', undefined]],
  ],
  [
    'a refusal',
    [...opened, event(10, { stage: 'script', message: 'refusal' })],
    boot({ outcome: 'failed', message: 'no image is assigned' }),
    [['refused: no image is assigned', 'BW-REFUSED']],
  ],
  [
    'a failure with a code of iPXE',
    [...opened, event(20, { stage: 'failed', message: 'x' })],
    boot({ outcome: 'failed', stage: 'failed', message: 'iPXE: initrd failed, error 4c0a6092' }),
    [
      [
        expect.stringMatching(/^failed: iPXE: initrd failed, error 4c0a6092 \(.+\)$/) as unknown as string,
        'BW-BOOT-FAILED',
      ],
    ],
  ],
  [
    'a kernel that was loaded, and silence',
    [...opened, event(12, { stage: 'kernel', file: 'vmlinuz', bytes: 9 })],
    boot({ stage: 'kernel', movedAt: new Date(start + 12_000) }),
    [['loaded the kernel, and nothing since for 59 minutes', undefined]],
  ],
  [
    'a stalled boot',
    opened,
    boot({ outcome: 'stalled', message: 'stalled at script: iPXE has its script but requested no file' }),
    [['stalled at script: iPXE has its script but requested no file', undefined]],
  ],
  [
    'a storm of requests',
    Array.from({ length: 40 }, (_, n) => offered(n)),
    undefined,
    [
      ['asked by DHCP 40 times in this attempt: it does not accept what it gets, or restarts', undefined],
      [
        'got the offer of this server, and accepted no address: no DHCP server gave one, or its answers do not pass here',
        'BW-POOL-EMPTY',
      ],
    ],
  ],
]

describe('the gaps of an attempt', () => {
  const later = new Date(start + 3_600_000)
  test.each(cases)('%s', (_title, events, of, expected) => {
    const found = findGaps(events, later, of).map(({ text, code }) => [text, code])
    expect(found.toSorted()).toEqual(expected.toSorted())
  })

  test('are not named while the machine may still continue', () => {
    const soon = new Date(start + 30_000)
    expect(findGaps([offered(0), accepted(4)], soon)).toEqual([])
    expect(findGaps([nbp(3)], soon)).toEqual([])
    expect(findGaps(opened, soon, boot({ stage: 'script' }))).toEqual([])
  })
})
