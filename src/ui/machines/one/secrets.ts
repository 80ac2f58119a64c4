// The secrets on the page of a machine.
import * as secrets from '../../forms/secrets.ts'
import { pathOf } from '../../http/client.ts'
import type { PageHandler, Visit } from '../../http/visit.ts'
import { machinePage } from './machine.ts'

export const setSecret: PageHandler = (visit) => {
  const owner = ownerOf(visit)
  return secrets.setSecret(visit, { owner, back: owner }, (secretRefusal) => machinePage(visit, { secretRefusal }))
}

export const removeSecret: PageHandler = (visit) => secrets.deleteSecret(visit, ownerOf(visit))

function ownerOf({ params }: Visit): string {
  return pathOf('machines', params.id ?? '')
}
