import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { powerCan } from '../../src/model/power/power.ts'
import { openRedfish, type RedfishTarget } from '../../src/power/redfish/open-redfish.ts'
import { type BmcOptions, bmcUser, startBmc, swiftRedfish } from '../helpers/redfish.ts'

const loopback = ['127.0.0.0/8']

/** Opens a BMC of these options. */
async function open(options: BmcOptions = {}, target: Partial<RedfishTarget> = {}) {
  const bmc = await startBmc(options)
  onTestFinished(bmc.stop)
  const to = { ...bmcUser, url: bmc.url, verifyTls: bmc.fingerprint, expected: undefined, ...target }
  const opened = openRedfish(to, loopback, swiftRedfish, new AbortController().signal)
  return { bmc, opened }
}

async function port(options: BmcOptions = {}, target: Partial<RedfishTarget> = {}) {
  const { bmc, opened } = await open(options, target)
  return { bmc, port: await opened }
}

async function refusalOf(options: BmcOptions, target: Partial<RedfishTarget> = {}) {
  const { bmc, opened } = await open(options, target)
  const text = await opened.then(
    () => 'opened',
    (error: Error) => `${error.name}: ${error.message}`,
  )
  return { bmc, text }
}

describe('Redfish', () => {
  test('has a function for each action that the table of kinds promises', async () => {
    const { port: opened } = await port()
    expect(Object.keys(opened).sort()).toEqual([...powerCan.redfish.actions, 'bootFromNetwork', 'close'].sort())
  })

  test('reads the power in a session, and closes the session', async () => {
    const { bmc, port: opened } = await port({ power: 'On' })
    expect(await opened.state()).toEqual({ power: 'on', message: 'the machine is on' })
    expect(bmc.sessions.size).toBe(1)
    await opened.close()
    expect(bmc.sessions.size).toBe(0)
    expect(bmc.requests[1]).toBe('POST /redfish/v1/SessionService/Sessions {"UserName":"root","Password":"…"}')
  })

  test('switches on, off and on again, and waits for each', async () => {
    const { bmc, port: opened } = await port({ delayMs: 50 })
    expect(await opened.on()).toEqual({ power: 'on', message: 'switched on (On)' })
    expect(bmc.power()).toBe('On')
    expect(await opened.on()).toEqual({ power: 'on', message: 'the machine is on already' })
    expect(await opened.off(false)).toEqual({ power: 'off', message: 'switched off (GracefulShutdown)' })
    expect(await opened.off(true)).toEqual({ power: 'off', message: 'the machine is off already' })
    expect(bmc.power()).toBe('Off')
  })

  test('asks the operating system to shut down, and says how to force it', async () => {
    const { bmc, port: opened } = await port({ power: 'On', ignoresShutdown: true })
    await expect(opened.off(false)).rejects.toThrow(
      'the machine is not off after 0 s. Its operating system may ignore the request. Next step: switch it off with force',
    )
    expect(await opened.off(true)).toEqual({ power: 'off', message: 'switched off (ForceOff)' })
    expect(bmc.power()).toBe('Off')
  })

  test.each<[string, BmcOptions, string, string[]]>([
    ['ForceRestart', { power: 'On' }, 'restarted (ForceRestart)', ['ForceRestart']],
    ['PowerCycle', { power: 'On', resetTypes: ['PowerCycle', 'On'] }, 'restarted (PowerCycle)', ['PowerCycle']],
    [
      'ForceOff and On',
      { power: 'On', resetTypes: ['On', 'ForceOff'] },
      'restarted (ForceOff, then On)',
      ['ForceOff', 'On'],
    ],
    [
      'the list of an ActionInfo',
      { power: 'On', actionInfo: true, resetTypes: ['PowerCycle'] },
      'restarted (PowerCycle)',
      ['PowerCycle'],
    ],
    ['no list', { power: 'On', resetTypes: undefined }, 'restarted (ForceRestart)', ['ForceRestart']],
    ['On for a machine that is off', {}, 'the machine was off: switched on (On)', ['On']],
    ['a task', { power: 'On', tasks: true }, 'restarted (ForceRestart)', ['ForceRestart']],
  ])('cycles by %s', async (_, options, message, types) => {
    const { bmc, port: opened } = await port(options)
    expect(await opened.cycle()).toEqual({ power: 'on', message })
    const resets = bmc.requests.filter((line) => line.includes('Reset {'))
    expect(resets.map((line) => line.slice(line.indexOf('{')))).toEqual(
      types.map((ResetType) => JSON.stringify({ ResetType })),
    )
  })

  test('names the reset types of a BMC that has none that fits', async () => {
    const { port: opened } = await port({ resetTypes: ['Nmi'] })
    await expect(opened.on()).rejects.toThrow('the BMC does not offer On or ForceOn. It offers: Nmi')
  })

  test.each<[string, BmcOptions]>([
    ['a weak entity tag', { etag: 'weak' }],
    ['a strong entity tag', { etag: 'strong' }],
    ['a demanded entity tag', { etag: 'demanded' }],
    ['a settings resource', { settingsObject: true }],
    ['basic authentication', { basicOnly: true }],
    ['UEFI HTTP boot only', { bootTargets: ['UefiHttp', 'Hdd'] }],
  ])('makes the next boot a network boot once, with %s', async (_, options) => {
    const { bmc, port: opened } = await port(options)
    const target = options.bootTargets === undefined ? 'Pxe' : 'UefiHttp'
    expect(await opened.bootFromNetwork()).toEqual({ message: `the next boot is from the network (${target})` })
    expect(bmc.boot()).toMatchObject({ BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: target })
    await opened.close()
    expect(bmc.sessions.size).toBe(0)
  })

  test('refuses a BMC that drops the boot device, or that has no network boot', async () => {
    const { port: dropping } = await port({ dropsBoot: true })
    await expect(dropping.bootFromNetwork()).rejects.toThrow(
      'the BMC accepted a network boot (Pxe, Once), but reports None, Disabled',
    )
    const { port: without } = await port({ bootTargets: ['Hdd', 'Cd'] })
    await expect(without.bootFromNetwork()).rejects.toThrow('the BMC offers no network boot. Its boot targets: Hdd, Cd')
  })

  test('finds the system by its id or path, and names the systems of a BMC with several', async () => {
    const systems = ['blade-1', 'blade-2']
    expect((await refusalOf({ systems })).text).toBe(
      'PowerError: the BMC has 2 computer systems, expected 1. Next step: set system to one of: blade-1, blade-2',
    )
    expect((await refusalOf({ systems }, { system: 'blade-3' })).text).toContain(
      'no computer system blade-3. It has: blade-1, blade-2',
    )
    for (const system of ['blade-2', '/redfish/v1/Systems/blade-2']) {
      const { bmc, port: opened } = await port({ systems }, { system })
      await opened.on()
      expect(bmc.requests).toContain('POST /redfish/v1/Systems/blade-2/Actions/ComputerSystem.Reset {"ResetType":"On"}')
    }
  })

  test('refuses the system of another machine, unless its serial or its UUID in either byte order fits', async () => {
    const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'
    const expected = { uuids: [uuid], serials: ['B5TVN32'] }
    const other = '9d2c7a10-5b1e-4c8f-a1d2-0c44b7e5f1aa'
    const { bmc, text } = await refusalOf({ uuid: other }, { expected })
    expect(text).toContain(`the BMC belongs to another machine: its system has the UUID ${other}, expected ${uuid}`)
    expect(bmc.sessions.size).toBe(0)
    for (const options of [{ uuid: '44454C4C-4200-1035-8054-B7C04F4E3332' }, { uuid: other, serial: 'B5TVN32' }, {}])
      expect((await refusalOf(options, { expected })).text).toBe('opened')
  })

  test('reports a wrong password without it, and does not try it in another way', async () => {
    const { bmc, text } = await refusalOf({}, { password: 'wrong' })
    expect(text).toContain('PowerError: the BMC refused the user name or the password: HTTP 401')
    expect(bmc.requests).toHaveLength(2)
  })

  test('refuses a certificate that is not trusted before it sends anything, and names its fingerprint', async () => {
    const untrusted = await refusalOf({}, { verifyTls: true })
    expect(untrusted.text).toContain(`Its SHA-256 fingerprint is ${untrusted.bmc.fingerprint}`)
    const changed = await refusalOf({}, { verifyTls: 'a'.repeat(64) })
    expect(changed.text).toContain(
      `the certificate has the SHA-256 fingerprint ${changed.bmc.fingerprint}, expected aaaa`,
    )
    expect([untrusted.bmc.requests, changed.bmc.requests]).toEqual([[], []])
    expect((await refusalOf({}, { verifyTls: false })).text).toBe('opened')
  })

  test('follows no redirect, and uses no path of another host', async () => {
    const location = 'http://192.0.2.9/redfish/v1/'
    const moved = await refusalOf({ instead: () => ({ status: 301, headers: { location } }) })
    expect(moved.text).toBe(`PowerError: the BMC refused GET /redfish/v1/: HTTP 301, a redirect to ${location}`)
    expect(moved.bmc.requests).toEqual(['GET /redfish/v1/'])
    const elsewhere = await refusalOf({
      instead: (_method, path) =>
        path === '/redfish/v1/Systems'
          ? { status: 200, body: { Members: [{ '@odata.id': '//192.0.2.9/x' }] } }
          : undefined,
    })
    expect(elsewhere.text).toBe('PowerError: the BMC names an unusable path: "//192.0.2.9/x"')
  })

  test('bounds the size and the time of an answer', async () => {
    const large = await refusalOf({ instead: () => ({ status: 200, body: ' '.repeat(2 ** 20 + 1) }) })
    expect(large.text).toBe('PowerError: the BMC answered with more than 1048576 bytes')
    const silent = createServer()
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void silent.close())
    const { port: number } = silent.address() as { port: number }
    const to = { ...bmcUser, url: `http://127.0.0.1:${number}`, verifyTls: true, expected: undefined }
    const times = { ...swiftRedfish, answerMs: 50 }
    await expect(openRedfish(to, loopback, times, new AbortController().signal)).rejects.toThrow(
      `127.0.0.1:${number}: no answer within 0.05 s`,
    )
  })

  test('reads again after a fault of the server, and sends a reset once only', async () => {
    let faults = 0
    const { bmc, port: opened } = await port({
      instead: (method, path) => {
        if (method === 'POST' && path.endsWith('Reset')) return { status: 500, body: 'x' }
        return path === '/redfish/v1/' && faults++ < 2 ? { status: 503 } : undefined
      },
    })
    await expect(opened.on()).rejects.toThrow('the BMC refused ResetType On: HTTP 500')
    expect(bmc.requests.filter((line) => line.endsWith('/redfish/v1/'))).toHaveLength(3)
    expect(bmc.requests.filter((line) => line.includes('Reset {'))).toHaveLength(1)
  })

  test('connects to no loopback or link-local address, and to no other than permitted subnets', async () => {
    const bmc = await startBmc()
    onTestFinished(bmc.stop)
    const to = { ...bmcUser, url: bmc.url, verifyTls: false, expected: undefined }
    const connect = (url: string, permitted: string[]) =>
      openRedfish({ ...to, url }, permitted, swiftRedfish, new AbortController().signal)
    await expect(connect(bmc.url, [])).rejects.toThrow(
      'Bootwright connects to no BMC at 127.0.0.1. Next step: add its subnet to BOOTWRIGHT_BMC_SUBNETS',
    )
    await expect(connect('https://169.254.169.254', [])).rejects.toThrow('BOOTWRIGHT_BMC_SUBNETS')
    await expect(connect('https://[::ffff:127.0.0.1]', [])).rejects.toThrow('BOOTWRIGHT_BMC_SUBNETS')
    await expect(connect('https://localhost', [])).rejects.toThrow('BOOTWRIGHT_BMC_SUBNETS')
    await expect(connect(bmc.url, ['10.0.0.0/8'])).rejects.toThrow('BOOTWRIGHT_BMC_SUBNETS')
    expect(bmc.requests).toEqual([])
  })
})
