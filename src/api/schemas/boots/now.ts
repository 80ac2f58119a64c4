// Request and response schemas of the document of this moment.
import { z } from '@hono/zod-openapi'
import { bootTimeDays, maxTimedBoots } from '../../../inventory/boots/now/figures.ts'
import { stages } from '../../../model/boot.ts'
import { deploymentStates } from '../../../model/deployment.ts'
import { findingCodes } from '../../../model/findings/table.ts'
import { imageName, moment, refuse, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'
import { doctorReport } from '../system/doctor.ts'
import { foreignServerSchema } from '../system/foreign-server.ts'
import { bootSummary } from './boot.ts'

/** Time zones differ from UTC by quarters of an hour. */
const isOffset = (minutes: number) => minutes % 15 === 0 && minutes >= -12 * 60 && minutes <= 14 * 60

export const nowQuery = z.strictObject({
  utcOffset: z
    .string()
    .transform((text, context) => {
      const minutes = /^-?[0-9]{1,3}$/.test(text) ? Number(text) : Number.NaN
      return isOffset(minutes) ? minutes : refuse(context, 'minutes east of UTC, a multiple of 15 from -720 to 840')
    })
    .optional()
    .openapi({
      type: 'integer',
      minimum: -720,
      maximum: 840,
      default: 0,
      description: 'The time zone in which today begins: minutes east of UTC, a multiple of 15.',
      example: '60',
    }),
})

const cause = z
  .object({
    text: z.string(),
    code: z
      .enum(findingCodes as [string, ...string[]])
      .optional()
      .openapi({
        description: 'The finding with the likely causes and the next steps.',
        example: 'BW-BASE-URL',
      }),
    title: z.string().optional().openapi({ description: 'The title of the finding.' }),
    at: moment,
  })
  .openapi('Cause', { description: 'The likely cause of a boot that does not move.' })

const download = z
  .object({
    file: z.string().openapi({ example: 'initrd.gz' }),
    doneBytes: z.int().openapi({
      description: 'The bytes of the file that the machine has. If a file worker sends it: as of a second ago.',
    }),
    totalBytes: z.int(),
    bytesPerSecond: z
      .int()
      .optional()
      .openapi({ description: 'The rate of the last seconds. Absent in the first second.' }),
    startedAt: moment,
    movedAt: moment.openapi({ description: 'When the last bytes moved.' }),
  })
  .openapi('RunningDownload', { description: 'A download of a file over boot HTTP from this server.' })

const booting = bootSummary
  .extend({
    download: download.optional().openapi({ description: 'The file that the machine loads now.' }),
    stalled: cause.optional().openapi({ description: 'Why the boot does not move.' }),
    gap: cause.optional().openapi({ description: 'A step that should have followed by now. The boot may still move.' }),
  })
  .openapi('Booting')

const firmware = z
  .object({
    mac: z
      .string()
      .optional()
      .openapi({ description: 'Absent if only an address is known: TFTP and HTTP carry no MAC.' }),
    ip: z.string().optional(),
    machine: z.object({ id: uuidv7, name: z.string() }).optional(),
    stage: z.enum(stages),
    file: z.string().optional().openapi({ description: 'The last file that it was offered or fetched.' }),
    since: moment,
    lastAt: moment,
    gap: cause.optional().openapi({ description: 'A step that should have followed, and did not.' }),
  })
  .openapi('FirmwareSeen', {
    description: 'A machine whose firmware was seen in the last five minutes, without a script yet.',
  })

const counts = z.object(
  Object.fromEntries(
    ['booted', 'installed', 'failed', 'handedOver', 'local', 'stalled', 'superseded', 'open'].map((name) => [
      name,
      z.int(),
    ]),
  ) as Record<'booted' | 'installed' | 'failed' | 'handedOver' | 'local' | 'stalled' | 'superseded' | 'open', z.ZodInt>,
)

const chart = z
  .object({
    bytesPerSecond: z.int().openapi({ description: 'The mean of the last three seconds.' }),
    stepSeconds: z.int().openapi({ description: 'Seconds between two points.', example: 5 }),
    until: moment.openapi({ description: 'The end of the last point.' }),
    points: z
      .array(z.int())
      .openapi({ description: 'Bytes per second of each step of the last ten minutes, the oldest first.' }),
  })
  .openapi('Throughput')

const batch = z
  .object({
    batch: uuidv7.optional().openapi({ description: 'Absent for deployments that were armed alone.' }),
    image: imageName,
    counts: z.object(
      Object.fromEntries(deploymentStates.map((state) => [state, z.int()])) as Record<
        (typeof deploymentStates)[number],
        z.ZodInt
      >,
    ),
  })
  .openapi('RunningBatch')

const report = doctorReport.openapi({ description: 'At most 50 findings; those with the state ok are left out.' })

export const nowSchema = z
  .object({
    servedAt: moment,
    database: z.enum(['here', 'away']).openapi({
      description: 'away: the database did not answer, and what it knows is shown as it last was.',
    }),
    booting: z.object({ items: z.array(booting), more: z.boolean() }).openapi({
      description: 'At most 200 boots: stalled ones first, then those that have been at their stage for longest.',
    }),
    firmware: z.object({ items: z.array(firmware), more: z.boolean() }).openapi({
      description: 'At most 50 machines that were seen without a script yet: those with a gap first.',
    }),
    downloads: z.array(download.extend({ address: z.string() })).openapi({
      description: 'At most 50 running downloads that belong to none of these boots.',
    }),
    outcomes: z.object({
      since: moment.openapi({ description: 'The beginning of today.' }),
      counts: counts.optional().openapi({
        description:
          'The boots that started since then. `local`: handed over without an image, most often to the local disk. Absent if the database is away.',
      }),
    }),
    bootTimes: z
      .array(
        z.object({
          image: imageName,
          outcome: z.enum(['booted', 'installed']),
          boots: z.int(),
          medianSeconds: z.number(),
          p95Seconds: z.number(),
        }),
      )
      .openapi({
        description: `The time from the script to the report of success, for at most ten images: the newest ${maxTimedBoots} such boots of the last ${bootTimeDays} days.`,
      }),
    deployments: z.array(batch).openapi({ description: 'Deployments with an active one, by batch, newest first.' }),
    throughput: z.object({ boot: chart, tftp: chart }).openapi({
      description:
        'Bytes that this server sent to machines, by boot HTTP and by TFTP. A TFTP transfer counts at its end.',
    }),
    findings: z.object({
      server: report.optional().openapi({
        description: 'The newest checks of the server alone. They run while somebody looks, every five minutes.',
      }),
      doctor: report.optional().openapi({ description: 'The last run of the doctor, also on the networks.' }),
      foreignServers: z.array(foreignServerSchema).openapi({ description: 'Servers that no operator acknowledged.' }),
      conflicts: z.int().openapi({ description: 'The number of requests that matched several machines.' }),
    }),
  })
  .openapi('Now', { description: 'This moment: boots, downloads, outcomes, deployments and findings.' })
/** As the server makes it. */
export type NowDocument = z.output<typeof nowSchema>
export type Now = Given<typeof nowSchema>
