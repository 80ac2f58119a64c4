// Tables of images, their files and imports, and of answer files.

import { sql } from 'drizzle-orm'
import { bigint, boolean, date, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { DamageKind } from '../../model/catalog.ts'
import type { ImportPlan, ImportState, Variant } from '../../model/image.ts'
import { history, moment, order } from './columns.ts'

export const answerFiles = pgTable('answer_files', {
  name: text('name').primaryKey(),
  title: text('title').notNull().default(''),
  currentVersion: integer('current_version').notNull(),
  ...history(),
})

export const answerFileVersions = pgTable(
  'answer_file_versions',
  {
    answerFile: text('answer_file')
      .notNull()
      .references(() => answerFiles.name, { onDelete: 'cascade' }),
    version: integer('version').notNull(),
    documents: jsonb('documents').$type<AnswerDocument[]>().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.answerFile, table.version] })],
)

/** Recipes of the operators. They replace recipes of the same name that ship with Bootwright or are in the data folder. */
export const recipes = pgTable('recipes', {
  name: text('name').primaryKey(),
  /** YAML, byte for byte. */
  text: text('text').notNull(),
  ...history(),
})

export const files = pgTable('files', {
  sha256: text('sha256').primaryKey(),
  name: text('name').notNull(),
  sizeBytes: bigint('size_bytes', { mode: 'number' }).notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  /** When its bytes were last verified. */
  checkedAt: moment('checked_at'),
  /** Why the file is not served, in words; null while its bytes are correct. */
  damage: text('damage'),
  /** Null while its bytes are correct, or if an earlier version recorded the damage. */
  damageKind: text('damage_kind').$type<DamageKind>(),
})

export const images = pgTable('images', {
  name: text('name').primaryKey(),
  title: text('title').notNull(),
  currentVersion: integer('current_version').notNull(),
  /** The last day with updates. */
  endOfLife: date('end_of_life', { mode: 'string' }),
  ...history(),
})

export const imageVersions = pgTable(
  'image_versions',
  {
    image: text('image')
      .notNull()
      .references(() => images.name, { onDelete: 'cascade' }),
    version: integer('version').notNull(),
    variants: jsonb('variants').$type<Variant[]>().notNull(),
    /** Its source: a recipe, a URL or a file; null if an operator made it by hand. */
    source: text('source'),
    /** The recipe that made it, and the version that the recipe found; null if there is no such thing. */
    recipe: text('recipe'),
    recipeVersion: text('recipe_version'),
    /** Booting it may write to the machine's disk; null if no recipe, layout or operator has decided. */
    installer: boolean('installer'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.image, table.version] })],
)

/** Imports of images: source, progress and end. */
export const imports = pgTable(
  'imports',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    /** The image's name; null until the fetched source tells it. */
    image: text('image'),
    /** The source, and the properties of the image. */
    plan: jsonb('plan').$type<ImportPlan>().notNull(),
    state: text('state').$type<ImportState>().notNull(),
    /** The present step and its progress. */
    doing: text('doing').notNull().default(''),
    doneBytes: bigint('done_bytes', { mode: 'number' }).notNull().default(0),
    totalBytes: bigint('total_bytes', { mode: 'number' }),
    /** Of the present step; null at its beginning. */
    bytesPerSecond: bigint('bytes_per_second', { mode: 'number' }),
    /** Why it failed, or when it is done, notes to read before booting the image. */
    message: text('message'),
    /** The image's new version. */
    version: integer('version'),
    actor: text('actor').notNull(),
    /** The server that runs it, by the id in its data folder, which holds the partial downloads. */
    server: text('server').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (table) => [index('imports_open').on(table.seq).where(sql`${table.endedAt} is null`)],
)
