import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hasTool } from '../helpers/needs.ts'

const mayRun = process.platform === 'linux' && process.getuid?.() === 0 && hasTool('unshare', 'util-linux')
const program = fileURLToPath(new URL('proxy-switch.ts', import.meta.url))
const node = `"${process.execPath}" --import tsx`
const takePort = `"${process.execPath}" -e 'require("node:dgram").createSocket("udp4").bind(67)' & holder=$!; sleep 2`

describe.runIf(mayRun)('the switch of proxyDHCP', { timeout: 60_000 }, () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bootwright-proxy-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs shell lines in a new network namespace with the interfaces lo and eth7. */
  const inNamespace = (...lines: string[]) => {
    const links = ['ip link set lo up', 'ip link add eth7 type bridge', 'ip link set eth7 up']
    const script = [...links, ...lines, 'test -z "$holder" || kill "$holder"'].join('\n')
    const { stdout, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script], {
      encoding: 'utf8',
      timeout: 50_000,
    })
    return `${stdout}${stderr}`
  }
  const steps = (...names: string[]) => `${node} ${program} ${folder} ${names.join(' ')}`
  const state = (step: string, interfaces: string[], source: string) =>
    `${step} ${JSON.stringify({ interfaces, source })}\n`

  test('answers at once, after a restart, and no more once it is off', () => {
    const ports = 'ss --udp --listening --numeric | grep -c ":67 "'
    expect(inNamespace(steps('lo', 'lo,eth7'), steps(), steps('-'), steps(), `${ports} || true`)).toBe(
      [
        state('start', [], 'default'),
        state('lo', ['lo'], 'saved'),
        state('lo,eth7', ['lo', 'eth7'], 'saved'),
        state('start', ['lo', 'eth7'], 'saved'),
        state('start', ['lo', 'eth7'], 'saved'),
        state('-', [], 'default'),
        state('start', [], 'default'),
        '0\n',
      ].join(''),
    )
  })

  test('refuses an interface that does not exist, and stays as it was', () => {
    const text = inNamespace(steps('lo', 'eth9'), steps())
    expect(text).toContain('interfaces[0]: expected the name of an interface: eth7, lo, got')
    expect(text).toContain(state('start', ['lo'], 'saved'))
  })

  test('refuses a port that another program uses, by its name, and saves nothing', () => {
    const text = inNamespace(takePort, steps('lo'))
    expect(text).toMatch(/lo "port 67 on lo is in use by node \(process \d+\)\. Stop that program, or see docs/)
    expect(inNamespace(steps())).toBe(state('start', [], 'default'))
  })

  test('does not change what the environment sets', () => {
    const text = inNamespace(`PROXY=lo ${steps('-')}`)
    expect(text).toContain(state('start', ['lo'], 'environment'))
    expect(text).toContain('- "BOOTWRIGHT_PROXY_DHCP in the environment of the server sets the interfaces.')
  })

  test('lets the server start without a saved interface that is gone, and says so', () => {
    writeFileSync(join(folder, 'proxy-dhcp.json'), '{"interfaces":["eth9"]}')
    expect(inNamespace(steps('lo'))).toMatch(
      /start \{"interfaces":\["eth9"\],"source":"saved","fault":"expected the name of an interface, got \\"eth9\\".*\}\nlo \{"interfaces":\["lo"\]/,
    )
    expect(JSON.parse(readFileSync(join(folder, 'proxy-dhcp.json'), 'utf8'))).toEqual({ interfaces: ['lo'] })
  })
})
