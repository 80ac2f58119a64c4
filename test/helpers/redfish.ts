// A stand-in for the Redfish service of a BMC, because no Debian or npm package has an emulator. test/power/emulator.test.ts asks a real
// emulator if one is installed.
// The stand-in checks requests by DSP0266, the published protocol. The schemas of Session and ComputerSystem (DSP8010) are written down by hand.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

/** Resource.ResetType of DSP8010. */
const resetTypes = [
  ...['On', 'ForceOff', 'GracefulShutdown', 'GracefulRestart', 'ForceRestart', 'Nmi', 'ForceOn', 'PushPowerButton'],
  ...['PowerCycle', 'Suspend', 'Pause', 'Resume', 'FullPowerCycle'],
] as const

const resetBody = z.strictObject({ ResetType: z.enum(resetTypes).optional() })
const sessionBody = z.strictObject({ UserName: z.string(), Password: z.string() })
const systemPatch = z.strictObject({
  Boot: z.strictObject({
    BootSourceOverrideEnabled: z.enum(['Disabled', 'Once', 'Continuous']),
    BootSourceOverrideTarget: z.enum(['None', 'Pxe', 'Cd', 'Usb', 'Hdd', 'BiosSetup', 'Diags', 'UefiHttp']),
  }),
})

type Answer = { status: number; body?: unknown; headers?: Record<string, string> }

export type BmcOptions = {
  systems?: string[]
  uuid?: string
  serial?: string
  power?: 'On' | 'Off'
  /** The types that the BMC lists; undefined lists nothing. */
  resetTypes?: string[] | undefined
  /** The types are in an ActionInfo resource. */
  actionInfo?: boolean
  bootTargets?: string[]
  etag?: 'weak' | 'strong' | 'demanded'
  /** The boot override is set at a settings resource. */
  settingsObject?: boolean
  /** Without a session service, only basic authentication. */
  basicOnly?: boolean
  /** The operating system ignores a shutdown. */
  ignoresShutdown?: boolean
  /** The BMC accepts a boot override, and drops it. */
  dropsBoot?: boolean
  /** Milliseconds until a reset has its effect. */
  delayMs?: number
  tasks?: boolean
  plainHttp?: boolean
  /** Replaces the answer to a request. */
  instead?: (method: string, path: string) => Answer | undefined
}

export type StandInBmc = {
  url: string
  fingerprint: string
  /** `METHOD path {body}` of each request, without passwords. */
  requests: string[]
  sessions: Set<string>
  power: () => string
  boot: () => unknown
  stop: () => Promise<void>
}

export const bmcUser = { username: 'root', password: 'calvin-7c1f' }

/** Starts a BMC on loopback. */
export async function startBmc(options: BmcOptions = {}): Promise<StandInBmc> {
  const {
    systems = ['1'],
    delayMs = 0,
    resetTypes: allowed = ['On', 'ForceOff', 'GracefulShutdown', 'ForceRestart'],
  } = options
  const types = 'resetTypes' in options ? options.resetTypes : allowed
  let power: string = options.power ?? 'Off'
  let boot: Record<string, unknown> = { BootSourceOverrideEnabled: 'Disabled', BootSourceOverrideTarget: 'None' }
  let revision = 1
  const sessions = new Set<string>()
  const requests: string[] = []
  const bootPath = options.settingsObject ? '/redfish/v1/Systems/1/Settings' : '/redfish/v1/Systems/1'
  const etag = () => (options.etag === 'strong' || options.etag === 'demanded' ? `"${revision}"` : `W/"${revision}"`)
  const bootBody = () => ({
    ...boot,
    'BootSourceOverrideTarget@Redfish.AllowableValues': options.bootTargets ?? ['Pxe', 'Hdd'],
  })
  const reset = (type: string) => {
    const effect: Record<string, string> = { On: 'On', ForceOn: 'On', ForceOff: 'Off', GracefulShutdown: 'Off' }
    if (type === 'GracefulShutdown' && options.ignoresShutdown) return
    setTimeout(() => {
      power = effect[type] ?? 'On'
      if (power === 'On' && boot.BootSourceOverrideEnabled === 'Once')
        boot = { ...boot, booted: boot.BootSourceOverrideTarget }
    }, delayMs)
  }
  const systemBody = (id: string) => ({
    '@odata.id': `/redfish/v1/Systems/${id}`,
    '@odata.type': '#ComputerSystem.v1_22_0.ComputerSystem',
    ...{ Id: id, Name: 'System', PowerState: power },
    ...(options.uuid !== undefined && { UUID: options.uuid }),
    ...(options.serial !== undefined && { SerialNumber: options.serial }),
    ...(!options.settingsObject && { Boot: bootBody() }),
    ...(options.settingsObject && { '@Redfish.Settings': { SettingsObject: { '@odata.id': bootPath } } }),
    Actions: {
      '#ComputerSystem.Reset': {
        target: `/redfish/v1/Systems/${id}/Actions/ComputerSystem.Reset`,
        ...(types !== undefined && !options.actionInfo && { 'ResetType@Redfish.AllowableValues': types }),
        ...(options.actionInfo && { '@Redfish.ActionInfo': `/redfish/v1/Systems/${id}/ResetActionInfo` }),
      },
    },
  })
  const isSignedIn = ({ headers }: IncomingMessage) => {
    const basic = `Basic ${Buffer.from(`${bmcUser.username}:${bmcUser.password}`).toString('base64')}`
    return sessions.has(String(headers['x-auth-token'])) || headers.authorization === basic
  }
  const openSession = (body: unknown): Answer => {
    const { UserName, Password } = sessionBody.parse(body)
    if (UserName !== bmcUser.username || Password !== bmcUser.password)
      return refusal(401, `Wrong password ${Password}`)
    const token = randomBytes(16).toString('hex')
    sessions.add(token)
    const location = `/redfish/v1/SessionService/Sessions/${token}`
    return { status: 201, headers: { 'x-auth-token': token, location }, body: { '@odata.id': location, Id: token } }
  }
  const answerTo = (request: IncomingMessage, body: unknown): Answer => {
    const [method, path] = [request.method ?? '', request.url ?? '']
    if (path === '/redfish/v1') return { status: 308, headers: { location: '/redfish/v1/' } }
    if (method === 'GET' && path === '/redfish/v1/')
      return {
        status: 200,
        body: {
          ...{
            '@odata.id': '/redfish/v1/',
            '@odata.type': '#ServiceRoot.v1_17_0.ServiceRoot',
            RedfishVersion: '1.20.0',
          },
          Systems: { '@odata.id': '/redfish/v1/Systems' },
          Links: options.basicOnly ? {} : { Sessions: { '@odata.id': '/redfish/v1/SessionService/Sessions' } },
        },
      }
    if (method === 'POST' && path === '/redfish/v1/SessionService/Sessions') return openSession(body)
    if (!isSignedIn(request)) return refusal(401, 'Authentication is required')
    if (method === 'DELETE') {
      sessions.delete(path.split('/').at(-1) ?? '')
      return { status: 204 }
    }
    if (method === 'GET' && path === '/redfish/v1/Systems')
      return { status: 200, body: { Members: systems.map((id) => ({ '@odata.id': `/redfish/v1/Systems/${id}` })) } }
    const [, id = '', rest = ''] = /^\/redfish\/v1\/Systems\/([^/]+)(.*)$/.exec(path) ?? []
    if (path === '/redfish/v1/TaskMonitors/1') return { status: 200, body: { TaskState: 'Completed' } }
    if (!systems.includes(id)) return refusal(404, `The resource at the URI ${path} was not found.`)
    if (method === 'PATCH' && path === bootPath) {
      const match = request.headers['if-match']
      if (match === undefined && options.etag === 'demanded') return refusal(428, 'An If-Match header is required.')
      // A strong comparison (RFC 9110, 13.1.1): a weak tag never matches.
      if (match !== undefined && match !== `"${revision}"`) return refusal(412, 'The ETag does not match.')
      const patched = systemPatch.parse(body).Boot
      if (!options.dropsBoot) boot = { ...boot, ...patched }
      revision += 1
      return { status: 200, body: systemBody(id) }
    }
    if (method === 'GET' && rest === '/Settings' && options.settingsObject)
      return { status: 200, headers: { etag: etag() }, body: { '@odata.id': bootPath, Boot: bootBody() } }
    if (method === 'GET' && rest === '/ResetActionInfo')
      return { status: 200, body: { Parameters: [{ Name: 'ResetType', Required: true, AllowableValues: types }] } }
    if (method === 'POST' && rest === '/Actions/ComputerSystem.Reset') {
      const { ResetType = 'On' } = resetBody.parse(body)
      if (types !== undefined && !types.includes(ResetType)) return refusal(400, `${ResetType} is not supported.`)
      reset(ResetType)
      return options.tasks ? { status: 202, headers: { location: '/redfish/v1/TaskMonitors/1' } } : { status: 204 }
    }
    if (method === 'GET' && rest === '') return { status: 200, headers: { etag: etag() }, body: systemBody(id) }
    return refusal(405, 'The method is not allowed.')
  }
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      requests.push([request.method, request.url, text.replace(bmcUser.password, '…')].filter(Boolean).join(' '))
      const { status, headers, body } =
        options.instead?.(request.method ?? '', request.url ?? '') ??
        guarded(() => answerTo(request, readBody(request, text)))
      response.writeHead(status, { 'odata-version': '4.0', 'content-type': 'application/json', ...headers })
      response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    })
  }
  const { key, cert } = certificate()
  const server = options.plainHttp ? createHttpServer(listener) : createHttpsServer({ key, cert }, listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${options.plainHttp ? 'http' : 'https'}://127.0.0.1:${port}`,
    fingerprint: createHash('sha256').update(new X509Certificate(cert).raw).digest('hex'),
    ...{ requests, sessions, power: () => power, boot: () => boot },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** @throws an error of zod for what DSP0266 forbids */
function readBody({ headers, method }: IncomingMessage, text: string): unknown {
  if (headers['odata-version'] !== undefined && headers['odata-version'] !== '4.0') throw new Error('OData-Version')
  if (method !== 'POST' && method !== 'PATCH') return undefined
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) throw new Error('Content-Type')
  return JSON.parse(text)
}

function guarded(answer: () => Answer): Answer {
  try {
    return answer()
  } catch (error) {
    return refusal(400, `The request is malformed: ${String(error)}`)
  }
}

/** An error as DSP0266 describes it. */
function refusal(status: number, Message: string): Answer {
  const info = { '@odata.type': '#Message.v1_2_0.Message', MessageId: 'Base.1.19.GeneralError', Message }
  return {
    status,
    body: { error: { code: 'Base.1.19.GeneralError', message: 'See ExtendedInfo.', '@Message.ExtendedInfo': [info] } },
  }
}

let made: { key: string; cert: string } | undefined

/** A certificate that no authority signed, as BMCs have them. */
function certificate(): { key: string; cert: string } {
  if (made !== undefined) return made
  const folder = mkdtempSync(join(tmpdir(), 'bw-bmc-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-nodes', '-days', '2', '-subj', '/CN=bmc', '-keyout', key, '-out', cert],
    { stdio: 'pipe' },
  )
  made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  rmSync(folder, { recursive: true })
  return made
}

/** Times for tests: BMCs on loopback are fast. */
export const swiftRedfish = {
  ...{ connectMs: 2000, closeMs: 2000, answerMs: 2000, retryMs: 10, maxBytes: 2 ** 20 },
  ...{ pollMs: 10, switchMs: 500, shutdownMs: 300 },
}
