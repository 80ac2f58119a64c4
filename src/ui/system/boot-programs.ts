// /boot-programs: what firmware loads first, and which firmware gets which.
import type { BootProgramList } from '../../api/schemas/system/boot-program.ts'
import { count } from '../http/format.ts'
import type { PageHandler } from '../http/visit.ts'

type Program = BootProgramList['items'][number]

export const bootPrograms: PageHandler = async ({ api }) => {
  const path = '/boot-programs'
  const { items, missing, absent, more } = await api.ask<BootProgramList>('GET', path)
  return {
    view: 'system/boot-programs',
    title: 'Boot programs',
    data: {
      programs: items.map((item) => ({ ...item, chosenBy: choosersOf(item) })),
      absent: absent.map((item) => ({ ...item, chosenBy: choosersOf(item) })),
      ...{ missing, more },
    },
    commands: [{ title: 'List the boot programs', path }],
  }
}

/** The machines and groups that choose a program instead of the default, in words with pages. */
function choosersOf({ machines, groups }: Pick<Program, 'machines' | 'groups'>): { text: string; path: string }[] {
  return [
    ...(machines > 0 ? [{ text: count(machines, 'machine'), path: '/machines' }] : []),
    ...groups.map((group) => ({ text: `group ${group}`, path: `/groups/${encodeURIComponent(group)}` })),
  ]
}
