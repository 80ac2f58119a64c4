// /setup: the way from an empty server to a machine that boots.
import type { Import, ImportRequest } from '../../api/schemas/images/import.ts'
import type { RefusedError } from '../http/client.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'
import { bootRows, readImports, readSeen, readSetup } from './setup-state.ts'
import { hasBooted, isLoopback, nextStep, stepsOf } from './steps.ts'

export const guide: PageHandler = async (visit) => guidePage(visit)

async function guidePage(visit: Visit, refusal?: RefusedError): Promise<Page> {
  const setup = await readSetup(visit)
  const steps = stepsOf(setup)
  const rows = bootRows(setup)
  const data = {
    ...setup,
    rows,
    steps,
    refusal,
    next: nextStep(steps)?.id,
    booted: hasBooted(setup),
    isLoopback,
  }
  return {
    view: 'setup/guide',
    title: 'Set-up',
    data: { ...data, tab: 'guide' },
    commands: [
      { title: 'Get the addresses', path: '/about' },
      { title: 'Run the doctor', method: 'POST', path: '/doctor', cli: 'doctor' },
      {
        title: 'Import an image by recipe',
        method: 'POST',
        path: '/imports',
        body: { recipe: 'debian-12' },
        cli: 'image add debian-12',
      },
    ],
  }
}

/** The parts of the guide that change while somebody looks: the import, and the machines. */
export const live: PageHandler = async ({ api }) => {
  const [imports, seen] = await Promise.all([readImports(api), readSeen(api)])
  return {
    view: 'setup/live',
    title: 'Waiting for your machine',
    data: { ...seen, rows: bootRows(seen), imports, tab: 'guide' },
    commands: [
      { title: 'Get what happens now', path: '/now' },
      { title: 'List the imports', path: '/imports?limit=3', cli: 'image imports' },
    ],
  }
}

export const startImport: PageHandler = async (visit) =>
  submit(
    async () => {
      const recipe = visit.form.get('recipe') ?? ''
      const request: ImportRequest = { recipe }
      await visit.api.ask<Import>('POST', '/imports', request)
      return { redirect: '/setup#image', notice: `The import of ${recipe} started.` }
    },
    (refusal) => guidePage(visit, refusal),
  )
