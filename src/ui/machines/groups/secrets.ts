// The secrets on the page of a group.
import * as secrets from '../../forms/secrets.ts'
import { pathOf } from '../../http/client.ts'
import type { PageHandler, Visit } from '../../http/visit.ts'
import { showGroup } from './edit.ts'

export const set: PageHandler = (visit) => {
  const owner = ownerOf(visit)
  const back = `${owner}#secrets`
  return secrets.setSecret(visit, { owner, back }, (secretRefusal) => showGroup(visit, { secretRefusal }))
}

export const remove: PageHandler = (visit) => secrets.deleteSecret(visit, ownerOf(visit))

function ownerOf({ params }: Visit): string {
  return pathOf('groups', params.name ?? '')
}
