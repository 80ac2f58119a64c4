// The table of what folders own.

import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import type { FolderKind } from '../../model/folder/folder.ts'
import { moment } from './columns.ts'

/** The things that `apply` manages, each with the owner of its folder. Only these can be removed when their file is gone. */
export const folderThings = pgTable(
  'folder_things',
  {
    kind: text('kind').$type<FolderKind>().notNull(),
    name: text('name').notNull(),
    owner: text('owner').notNull(),
    ownedAt: moment('owned_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.name] })],
)
