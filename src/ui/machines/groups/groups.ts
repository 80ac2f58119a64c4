// /groups: the groups, the strongest first, and their deletion.
import type { GroupPreview } from '../../../api/schemas/boots/draft.ts'
import type { Group } from '../../../api/schemas/machines/group.ts'
import { describeAssignment } from '../../forms/assignment.ts'
import { deleteNamed } from '../../forms/named.ts'
import { describeCondition } from '../../forms/selector.ts'
import { pathOf, type RefusedError, withQuery } from '../../http/client.ts'
import type { Listed } from '../../http/listed.ts'
import type { Page, PageHandler, Visit } from '../../http/visit.ts'
import { requireGroup } from './edit.ts'

export const list: PageHandler = async ({ api, query }) => {
  const path = withQuery('/groups', { limit: '1000', after: query.get('after') })
  const { items, next } = await api.ask<Listed<Group>>('GET', path)
  const strongestFirst = items.toSorted(
    (a, b) => b.priority - a.priority || b.selector.length - a.selector.length || (a.name < b.name ? -1 : 1),
  )
  return {
    view: 'groups/list',
    title: 'Groups',
    data: {
      groups: strongestFirst.map((group) => ({
        ...group,
        conditions: group.selector.map(describeCondition),
        boots: describeAssignment(group.assignment),
      })),
      next: next && withQuery('/groups', { after: next }),
    },
    commands: [{ title: 'List groups', path, cli: 'group list' }],
  }
}

export const deletePage: PageHandler = async (visit) => showDeletion(visit)

export const remove: PageHandler = (visit) => deleteNamed(visit, 'groups', 'Group', showDeletion)

async function showDeletion(visit: Visit, refusal?: RefusedError): Promise<Page> {
  const { group, etag } = await requireGroup(visit)
  const path = pathOf('groups', group.name)
  const preview = await visit.api.ask<GroupPreview>('POST', `${path}/preview`, { group: null })
  return {
    view: 'groups/delete',
    title: `Delete group ${group.name}`,
    data: { group, etag, preview, refusal },
    commands: [{ title: 'Delete the group', method: 'DELETE', path, cli: `group delete ${group.name}` }],
  }
}
