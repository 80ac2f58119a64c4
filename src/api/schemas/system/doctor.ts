// Schemas of the doctor: what it is asked to do, and what it reports.
import { z } from '@hono/zod-openapi'
import { findingStates } from '../../../model/findings/finding.ts'
import { findingCodes } from '../../../model/findings/table.ts'
import { firmwareKinds } from '../../../model/firmware/kinds.ts'
import { mac, moment } from '../common.ts'
import type { Given } from '../json.ts'

const codes = firmwareKinds.map(({ code }) => code)

export const doctorRequest = z
  .strictObject({
    interfaces: z
      .array(z.string().regex(/^[^\s/]{1,15}$/, 'Expected the name of a network interface'))
      .max(16)
      .optional()
      .openapi({
        description: 'The network interfaces of the server to probe. Default: those of proxyDHCP.',
        example: ['eth0'],
      }),
    firmware: z
      .array(z.int().refine((code) => codes.includes(code), `Expected one of ${codes.join(', ')}`))
      .max(codes.length)
      .optional()
      .openapi({
        description: 'The kinds of firmware to probe for, by the code of DHCP option 93. Default: 0, 7, 11 and 16.',
        example: [0, 7],
      }),
    mac: mac.optional().openapi({ description: 'The machine whose evidence is collected.' }),
    network: z.boolean().optional().openapi({
      description: 'Whether to probe the networks. Default: true.',
    }),
  })
  .openapi('DoctorRequest')

export const doctorFinding = z
  .object({
    check: z.string().openapi({ description: 'The subject of the check.', example: 'boot file for UEFI x86-64' }),
    state: z.enum(findingStates),
    code: z
      .enum(findingCodes)
      .optional()
      .openapi({ description: 'The code of the problem. Absent if the state is ok.', example: 'BW-TFTP-BLOCKED' }),
    where: z.string().openapi({ description: 'The interface, server, file or setting.', example: '192.0.2.1' }),
    seen: z
      .string()
      .openapi({ description: 'The observation of the check.', example: 'no answer at all, and no ICMP message' }),
    todo: z.array(z.string()).openapi({ description: 'Next steps, the first step first.' }),
  })
  .openapi('DoctorFinding')

export const doctorReport = z
  .object({
    startedAt: z.iso.datetime(),
    durationMs: z.int(),
    state: z.enum(findingStates).openapi({ description: 'The worst state of all findings.' }),
    findings: z.array(doctorFinding),
  })
  .openapi('DoctorReport')
export type DoctorReport = Given<typeof doctorReport>

export const doctorAbout = z
  .object({
    version: z.string(),
    now: z.iso.datetime().openapi({ description: 'The time of the server.' }),
    interfaces: z.array(z.string()).openapi({ description: 'The network interfaces of proxyDHCP.' }),
    addresses: z.array(z.string()).openapi({ description: 'The IPv4 addresses of the server.' }),
    nbps: z
      .array(z.object({ name: z.string(), sha256: z.string(), sizeBytes: z.int() }))
      .openapi({ description: 'The boot programs of the server.' }),
    runningSince: moment.optional().openapi({ description: 'When the run that is going began. Absent if none is.' }),
    last: doctorReport.optional().openapi({ description: 'The last report. Absent if the doctor has not run.' }),
  })
  .openapi('DoctorAbout')
export type DoctorAbout = Given<typeof doctorAbout>
