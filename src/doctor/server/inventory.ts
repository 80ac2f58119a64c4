// Problems of the inventory: uncertain identities, and machines that install at every boot.
import { listFindings } from '../../inventory/machines/identity/findings.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

const maxFindings = 20

export async function checkInventory({ db }: Pick<ServerContext, 'db'>): Promise<Finding[]> {
  const problems = await listFindings(db)
  const check = 'inventory'
  if (problems.length === 0)
    return [pass({ check, where: 'all machines' }, 'no uncertain identity, and no machine that installs at every boot')]
  return problems.slice(0, maxFindings).map(({ code, machines, what, nextStep }) =>
    fault({ check, where: `machine ${machines.map(({ name }) => name).join(', ')}` }, code, what, {
      state: 'warning',
      todo: [`Next step: ${nextStep}.`],
    }),
  )
}
