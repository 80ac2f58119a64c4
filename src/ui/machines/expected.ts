// /machines/expected: machines that were declared before they arrive, and what differs.
import type { FindingList } from '../../api/schemas/machines/finding.ts'
import type { MachineList } from '../../api/schemas/machines/machine.ts'
import { withQuery } from '../http/client.ts'
import type { PageHandler } from '../http/visit.ts'
import { isOverdue, nameOf } from './state.ts'

const pageSize = '50'
const codes: readonly string[] = ['BW-EXPECTED-OTHER', 'BW-UNEXPECTED']

export const expected: PageHandler = async ({ api, query }) => {
  const after = query.get('after')
  const path = withQuery('/machines', { state: 'expected', limit: pageSize, after })
  const [{ items, next }, findings] = await Promise.all([
    api.ask<MachineList>('GET', path),
    api.ask<FindingList>('GET', '/findings'),
  ])
  return {
    view: 'machines/expected',
    title: 'Expected machines',
    data: {
      rows: items.map((machine) => ({
        ...machine,
        name: nameOf(machine),
        isOverdue: isOverdue(machine),
        sources: machine.sources ?? [],
      })),
      // A late machine is in the table already.
      findings: findings.items.filter(({ code }) => codes.includes(code)),
      late: findings.items.filter(({ code }) => code === 'BW-EXPECTED-MISSING').length,
      next: next && withQuery('/machines/expected', { after: next }),
    },
    commands: [
      { title: 'List the machines that did not arrive', path, cli: 'machine list --state expected' },
      { title: 'List what differs', path: '/findings', cli: 'findings' },
      {
        ...{ title: 'Expect a machine', method: 'PUT', path: '/machines/52:54:00:12:34:56' },
        body: { hostname: 'web1', product: 'PowerEdge R740', expectedBy: '2027-03-31' },
        cli: "machine set 52:54:00:12:34:56 --hostname web1 --product 'PowerEdge R740' --expected-by 2027-03-31",
      },
    ],
  }
}
