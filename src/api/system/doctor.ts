// /doctor: checks of the server and of its networks.
import { endpoint } from '../http/endpoint.ts'
import { doctorAbout, doctorReport, doctorRequest } from '../schemas/system/doctor.ts'

export const about = endpoint({
  operationId: 'getDoctor',
  action: 'system.read',
  summary: 'Get the last report of the doctor, and the facts for a doctor on another computer',
  returns: doctorAbout,
  statuses: { 200: 'The facts, and the last report' },
  answer: async ({ doctor }) => {
    const [last, runningSince] = [doctor.last(), doctor.runningSince()]
    const runs = { ...(runningSince !== undefined && { runningSince }), ...(last !== undefined && { last }) }
    return { status: 200, body: { ...doctor.about(), ...runs } }
  },
})

export const run = endpoint({
  operationId: 'runDoctor',
  action: 'doctor.run',
  summary: 'Run the doctor: check the server, and probe its networks as firmware does',
  description:
    'The answer comes after all checks, within two minutes. A probe sends DHCP packets of a machine that does not exist, and never accepts an address. Only one run at a time is possible.',
  body: doctorRequest,
  bodyOptional: true,
  returns: doctorReport,
  statuses: { 200: 'The report' },
  answer: async ({ doctor }, { body }) => ({ status: 200, body: await doctor.run(body) }),
})
