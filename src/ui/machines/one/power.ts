// /machines/:id/power: switches a machine on or off, after a page that says what happens.
import type { Machine } from '../../../api/schemas/machines/machine.ts'
import type { PowerOrder, PowerRequest, PowerView } from '../../../api/schemas/machines/power.ts'
import { pathOf } from '../../http/client.ts'
import type { PageHandler } from '../../http/visit.ts'
import { handleOf, nameOf } from '../state.ts'

/** A button of the page: the order, its name, and its consequence in a sentence. */
type PowerButton = PowerOrder & { name: string; means: string; cli: string; danger?: boolean }

const buttons: Record<string, PowerButton> = {
  on: { action: 'on', name: 'Switch on', means: 'The machine is switched on.', cli: 'on' },
  off: {
    ...{ action: 'off', name: 'Shut down', cli: 'off', danger: true },
    means: 'Its operating system is asked to shut down.',
  },
  'force-off': {
    ...{ action: 'off', force: true, name: 'Switch off at once', cli: 'off --force', danger: true },
    means: 'The machine loses its power at once. Data that is not on its disk is lost.',
  },
  cycle: {
    ...{ action: 'cycle', name: 'Restart', cli: 'cycle', danger: true },
    means: 'The machine restarts at once. Data that is not on its disk is lost.',
  },
  'network-cycle': {
    ...{ action: 'cycle', network: true, name: 'Boot from the network', cli: 'cycle --network', danger: true },
    means: 'The next boot is a network boot, and the machine restarts at once. Data that is not on its disk is lost.',
  },
  state: { action: 'state', name: 'Ask its BMC', means: 'Nothing changes.', cli: 'state' },
}

/** The buttons that the power of a machine offers, by their names in forms. */
export function buttonsOf({ actions, bootsFromNetwork }: PowerView): [string, PowerButton][] {
  return Object.entries(buttons).filter(
    ([, { action, network }]) => actions.includes(action) && (bootsFromNetwork || !network),
  )
}

export const power: PageHandler = async ({ api, params, form }) => {
  const path = pathOf('machines', params.id ?? '')
  const [machine, setting] = await Promise.all([
    api.ask<Machine>('GET', path),
    api.ask<PowerView>('GET', `${path}/power`),
  ])
  const name = form.get('order') ?? ''
  const button = buttonsOf(setting).find(([key]) => key === name)?.[1]
  if (button === undefined) return { redirect: `/machines/${machine.id}` }
  const { action, network, force } = button
  const body = { action, ...(network && { network }), ...(force && { force }) }
  // To ask a BMC changes nothing.
  if (form.get('confirmed') === 'yes' || action === 'state') {
    await api.ask<PowerRequest>('POST', `${path}/power`, body)
    return { redirect: `/machines/${machine.id}`, notice: `${button.name}: requested. The page shows the result.` }
  }
  const cli = `machine power ${button.cli.replace(/^(\w+)/, `$1 ${handleOf(machine)}`)}`
  return {
    view: 'machines/power',
    title: button.name,
    data: { machine, name: nameOf(machine), button, order: name },
    commands: [{ title: button.name, method: 'POST', path: `${path}/power`, body, cli }],
  }
}
