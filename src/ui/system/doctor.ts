// /setup/doctor: what the doctor found, and the other DHCP and boot servers on the network.
import type { Now } from '../../api/schemas/boots/now.ts'
import type { DoctorAbout, DoctorReport } from '../../api/schemas/system/doctor.ts'
import type { ForeignServer, ForeignServerList } from '../../api/schemas/system/foreign-server.ts'
import type { InterfaceList } from '../../api/schemas/system/server.ts'
import { pathOf, type RefusedError } from '../http/client.ts'
import type { Page, PageHandler, Redirect, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'

/** The worst first; then the checks that could not decide. */
const order = ['error', 'warning', 'unknown', 'ok']
/** A run takes up to two minutes. A refusal comes at once. */
const startedMs = 700

export const doctor: PageHandler = async (visit) => doctorPage(visit)

async function doctorPage({ api, may }: Visit, refusal?: RefusedError): Promise<Page> {
  const [about, { items: servers }, { items: interfaces }] = await Promise.all([
    api.ask<DoctorAbout>('GET', '/doctor'),
    api.ask<ForeignServerList>('GET', '/foreign-servers'),
    may('dhcp.read') ? api.ask<InterfaceList>('GET', '/interfaces') : { items: [] },
  ])
  // Now shows the checks of the server, which run while somebody looks, and leads here.
  const own = about.last === undefined ? (await api.ask<Now>('GET', '/now')).findings.server?.findings : undefined
  const findings = (about.last?.findings ?? []).toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  const bad = findings.filter(({ state }) => state !== 'ok')
  const good = findings.filter(({ state }) => state === 'ok')
  const data = { about, own, bad, good, servers, interfaces: interfaces.filter(({ loopback }) => !loopback), refusal }
  return {
    view: 'system/doctor',
    title: 'Doctor',
    data: { ...data, tab: 'doctor' },
    commands: [
      { title: 'Run the doctor', method: 'POST', path: '/doctor', cli: 'doctor' },
      { title: 'Get the last report', path: '/doctor' },
      { title: 'List foreign servers', path: '/foreign-servers', cli: 'servers' },
    ],
  }
}

export const runDoctor: PageHandler = async (visit) =>
  submit(
    () => startRun(visit),
    (refusal) => doctorPage(visit, refusal),
  )

/** Starts a run, and waits only as long as a refusal takes. The page shows the run until it ends. */
async function startRun({ api, form }: Visit): Promise<Redirect> {
  const interfaces = form.all('interface')
  const body = { ...(interfaces.length > 0 && { interfaces }), ...(form.has('server-only') && { network: false }) }
  const run = api.ask<DoctorReport>('POST', '/doctor', body)
  // A failure after the page was sent is in the log of the server, which the API writes.
  run.catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const elapsed = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), startedMs)
  })
  const report = await Promise.race([run, elapsed]).finally(() => clearTimeout(timer))
  const notice = report === undefined ? 'The doctor is running.' : `The doctor ran ${report.findings.length} checks.`
  return { redirect: '/setup/doctor', notice }
}

export const acknowledgeServer: PageHandler = async ({ api, params: { id = '' }, form }) => {
  const note = form.get('note')
  const path = `${pathOf('foreign-servers', id)}/acknowledge`
  const { address } = await api.ask<ForeignServer>('POST', path, note === undefined ? {} : { note })
  return { redirect: '/setup/doctor#servers', notice: `${address} is acknowledged.` }
}

export const forgetServer: PageHandler = async ({ api, params: { id = '' } }) => {
  await api.ask('DELETE', pathOf('foreign-servers', id))
  return {
    redirect: '/setup/doctor#servers',
    notice: 'The server is deleted from the list. If it is seen again, it is new.',
  }
}
