// /machines/{id}/timeline: what a machine went through.
import { z } from '@hono/zod-openapi'
import type { Db } from '../../db/open.ts'
import { findTimeline, type TimelineSubject } from '../../inventory/boots/timeline.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { findFinding } from '../../model/findings/table.ts'
import { keyText, type MachineKey } from '../../model/machine.ts'
import type { Attempt } from '../../model/timeline/timeline.ts'
import { endpoint } from '../http/endpoint.ts'
import { timelineKey, timelineQuery, timelineSchema } from '../schemas/boots/timeline.ts'
import { summaryOf } from './boots.ts'

export const get = endpoint({
  operationId: 'getTimeline',
  action: 'boots.read',
  summary: 'Get what a machine went through: DHCP, TFTP, HTTP and reports, with its gaps named',
  description:
    'Also for a MAC address or an IPv4 address that never became a machine. Events without a boot are kept for a day. DHCP is included if proxyDHCP runs.',
  params: z.object({ id: timelineKey }),
  query: timelineQuery,
  returns: timelineSchema,
  statuses: { 200: 'The timeline' },
  answer: async ({ db }, { params: { id }, query: { limit: maxBoots = 10, since, before } }) => {
    const subject = await subjectOf(db, id)
    const { attempts, ...timeline } = await findTimeline(db, subject, { since, before, maxBoots })
    const machine = 'machine' in subject ? subject.machine : undefined
    const hostname = machine?.hostname ?? undefined
    return {
      status: 200,
      body: {
        ...(machine && { machine: { id: machine.id, ...(hostname !== undefined && { hostname }) } }),
        ...timeline,
        attempts: attempts.map(viewOf),
      },
    }
  },
})

/** @throws NotFoundError for a name, an id or a UUID that no machine has */
async function subjectOf(db: Db, key: MachineKey | { address: string }): Promise<TimelineSubject> {
  if ('address' in key) return key
  const machine = await findMachine(db, key)
  if (machine !== undefined) return { machine }
  if ('mac' in key) return { mac: key.mac }
  throw new NotFoundError(`there is no machine ${keyText(key)}`)
}

function viewOf({ boot, lines, gaps, ...attempt }: Attempt) {
  return {
    ...attempt,
    ...(boot !== undefined && { boot: summaryOf(boot) }),
    lines: lines.map(({ bootId: _, ...line }) => line),
    gaps: gaps.map((gap) => ({ ...gap, ...(gap.code !== undefined && { title: findFinding(gap.code)?.title }) })),
  }
}
