import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openRedfish } from '../../src/power/redfish/open-redfish.ts'
import { swiftRedfish } from '../helpers/redfish.ts'

// sushy-emulator of OpenStack (PyPI: sushy-tools). No Debian package has it: SUSHY_EMULATOR=/path/to/sushy-emulator runs this test.
const emulator = process.env.SUSHY_EMULATOR
const uuid = '8f2c7a10-5b1e-4c8f-a1d2-0c44b7e5f1aa'

describe.runIf(emulator !== undefined)('the emulator of OpenStack', { timeout: 60_000 }, () => {
  test('is switched on, booted from the network once, cycled and switched off', async () => {
    const port = await startEmulator()
    const opened = await openRedfish(
      {
        ...{ url: `http://127.0.0.1:${port}`, username: 'admin', password: 'password', verifyTls: true },
        ...{ system: uuid, expected: { uuids: [uuid], serials: [] } },
      },
      ['127.0.0.0/8'],
      { ...swiftRedfish, answerMs: 10_000, switchMs: 20_000, shutdownMs: 20_000, pollMs: 200 },
      new AbortController().signal,
    )
    expect((await opened.state()).power).toBe('off')
    // This emulator reports Continuous whatever was set.
    const { message } = await opened.bootFromNetwork()
    expect(message).toBe('the next boot is from the network (Pxe), and the BMC reports Continuous instead of Once')
    expect((await opened.on()).power).toBe('on')
    expect((await opened.cycle()).message).toMatch(/^restarted/)
    expect((await opened.off(true)).power).toBe('off')
    expect((await opened.state()).power).toBe('off')
    await opened.close()
  })
})

async function startEmulator(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bw-sushy-'))
  const port = await freePort()
  const config = join(folder, 'emulator.conf')
  writeFileSync(
    config,
    [
      'SUSHY_EMULATOR_FAKE_DRIVER = True',
      `SUSHY_EMULATOR_STATE_DIR = '${folder}'`,
      `SUSHY_EMULATOR_LISTEN_IP = '127.0.0.1'`,
      `SUSHY_EMULATOR_LISTEN_PORT = ${port}`,
      `SUSHY_EMULATOR_FAKE_SYSTEMS = [{'uuid': '${uuid}', 'name': 'fake1', 'power_state': 'Off', 'nics': [{'mac': '52:54:00:12:34:56', 'ip': '192.0.2.5'}]}]`,
    ].join('\n'),
  )
  const child = spawn(emulator as string, ['--config', config], { stdio: 'ignore' })
  onTestFinished(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  await expect
    .poll(
      () =>
        fetch(`http://127.0.0.1:${port}/redfish/v1/`).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 20_000 },
    )
    .toBe(200)
  return port
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
