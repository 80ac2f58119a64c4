import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noAddress } from '../../../src/model/boot.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

const mac = '52:54:00:12:34:56'

describe('on the command line', () => {
  let operator: Operator
  beforeAll(async () => {
    operator = await startOperator()
  })
  afterAll(() => operator.stop())

  test('timeline shows the attempts of an unknown machine with its gap and the command that explains it', async () => {
    const { events } = operator.boot.deps.inventory
    const ip = '192.0.2.7'
    events.record({
      stage: 'dhcp',
      kind: 'offered',
      client: 'pxe',
      mac,
      ip: noAddress,
      file: 'snponly.efi',
      message: 'offered to UEFI x86-64',
    })
    events.record({
      stage: 'dhcp',
      kind: 'accepted',
      mac,
      ip,
      message: `accepted ${ip} from the DHCP server 192.0.2.1`,
    })
    for (let n = 0; n < 3; n++) events.record({ stage: 'nbp', ip, file: 'snponly.efi', bytes: 285_000, durationMs: 30 })
    await events.flush()
    const { out, exitCode } = await operator.run('timeline', '52-54-00-12-34-56')
    expect(exitCode).toBe(0)
    const plain = out.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'TIME').replaceAll(/\+0\.\d s/g, '+0.0 s')
    expect(plain).toBe(`mac      52:54:00:12:34:56
address  192.0.2.7

TIME  no boot: the machine got no script
  AFTER   STAGE          FILE         BYTES     TOOK   MESSAGE
  +0.0 s  dhcp offered   snponly.efi                   offered to UEFI x86-64
  +0.0 s  dhcp accepted                                accepted 192.0.2.7 from the DHCP server 192.0.2.1
  +0.0 s  nbp            snponly.efi  285.0 kB  30 ms  (3 times until TIME)
  ! fetched snponly.efi 3 times, and never asked for /boot.ipxe: its second DHCP answer named the same file, so it loops
    BW-IPXE-LOOP: bootwright explain-code BW-IPXE-LOOP
`)
    expect((await operator.run('explain-code', 'BW-IPXE-LOOP')).exitCode).toBe(0)
    expect((await operator.run('timeline', ip)).out).toContain('BW-IPXE-LOOP')
    expect((await operator.run('timeline', '192.0.2.99')).out).toContain('no events')
  })

  test('servers lists other servers, acknowledges one by its address, and deletes it', async () => {
    expect((await operator.run('servers')).out).toMatch(
      /^no other DHCP or boot server was seen\. Only proxyDHCP records them/,
    )
    operator.boot.deps.inventory.noteServer({
      address: '192.0.2.1',
      role: 'dhcp',
      evidence: 'request',
      interface: 'eth0',
    })
    await expect
      .poll(async () => (await operator.run('servers', '--new')).out, { timeout: 20_000 })
      .toMatch(/192\.0\.2\.1 +dhcp +eth0/)
    const { out } = await operator.run('servers', 'acknowledge', '192.0.2.1', '--note', 'the router')
    expect(out).toBe('acknowledged 192.0.2.1 (dhcp, eth0)\n')
    expect((await operator.run('servers', '--new')).out).toContain('no other DHCP or boot server')
    expect((await operator.run('servers')).out).toContain('the router')
    const unknown = await operator.run('servers', 'delete', '192.0.2.2')
    expect([unknown.exitCode, unknown.err]).toEqual([1, expect.stringContaining('no server 192.0.2.2 on the list')])
    expect((await operator.run('servers', 'delete', '192.0.2.1')).out).toBe('deleted 192.0.2.1 (dhcp, eth0)\n')
  })
})
