// Answer files and their versions.

import { and, asc, desc, eq, gt, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { answerFiles, answerFileVersions } from '../../db/schema/images.ts'
import type { Tx } from '../../db/transaction.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { InputError, requireFound } from '../../lib/errors.ts'
import { type AnswerDocument, type AnswerFile, defaultMediaType, maxDocuments } from '../../model/answer-file.ts'
import type { Actor } from '../changes/changes.ts'
import { deleteNamed, type NamedNoun, saveNamed } from '../common/named.ts'
import type { Precondition } from '../common/precondition.ts'
import { refuseNamed } from '../machines/references.ts'

export type AnswerFileVersion = { version: number; documents: AnswerDocument[]; createdAt: Date; current: boolean }

const noun: NamedNoun<AnswerFile> = { noun: 'answer-file', find: findAnswerFile, auditView }

const selected = {
  name: answerFiles.name,
  title: answerFiles.title,
  version: answerFiles.currentVersion,
  documents: answerFileVersions.documents,
  revision: answerFiles.revision,
  createdAt: answerFiles.createdAt,
  updatedAt: answerFiles.updatedAt,
}
const current = and(
  eq(answerFileVersions.answerFile, answerFiles.name),
  eq(answerFileVersions.version, answerFiles.currentVersion),
)

export async function findAnswerFile(db: Db, name: string): Promise<AnswerFile | undefined> {
  const rows = await db
    .select(selected)
    .from(answerFiles)
    .innerJoin(answerFileVersions, current)
    .where(eq(answerFiles.name, name))
  return rows[0]
}

/** Answer files by name, those after `after`. */
export async function listAnswerFiles(db: Db, limit: number, after?: string): Promise<AnswerFile[]> {
  return db
    .select(selected)
    .from(answerFiles)
    .innerJoin(answerFileVersions, current)
    .where(after === undefined ? undefined : gt(answerFiles.name, after))
    .orderBy(asc(answerFiles.name))
    .limit(limit)
}

/** All versions, newest first. @throws NotFoundError */
export async function listAnswerFileVersions(db: Db, name: string): Promise<AnswerFileVersion[]> {
  const file = await findAnswerFile(db, name)
  requireFound(file, `answer file ${name}`)
  const rows = await db
    .select()
    .from(answerFileVersions)
    .where(eq(answerFileVersions.answerFile, name))
    .orderBy(desc(answerFileVersions.version))
  return rows.map(({ answerFile: _, ...row }) => ({ ...row, current: row.version === file.version }))
}

/** The documents of one version; undefined if it does not exist. */
export async function findAnswerDocuments(
  db: Db,
  name: string,
  version: number,
): Promise<AnswerDocument[] | undefined> {
  const rows = await db
    .select({ documents: answerFileVersions.documents })
    .from(answerFileVersions)
    .where(and(eq(answerFileVersions.answerFile, name), eq(answerFileVersions.version, version)))
  return rows[0]?.documents
}

/** Makes or changes an answer file. New documents become a new current version; the same documents change nothing. */
export async function saveAnswerFile(
  db: Db,
  name: string,
  content: Content,
  precondition: Precondition,
  by: Actor,
): Promise<{ answerFile: AnswerFile; created: boolean }> {
  return saveDocuments(db, name, () => content, precondition, by)
}

type Content = { title?: string | undefined; documents: AnswerDocument[] }

async function saveDocuments(
  db: Db,
  name: string,
  contentAfter: (before: AnswerFile | undefined) => Content,
  precondition: Precondition,
  by: Actor,
): Promise<{ answerFile: AnswerFile; created: boolean }> {
  const { thing, created } = await saveNamed(db, noun, name, precondition, by, async (tx, before) => {
    const { title: newTitle, documents } = contentAfter(before)
    // Some editors begin a text with a byte-order mark. Installers read it as a part of the first line, and ignore the file.
    const content = {
      title: newTitle,
      documents: documents.map((document) => ({ ...document, text: document.text.replace(/^\ufeff/, '') })),
    }
    const names = content.documents.map((document) => document.name)
    const duplicate = names.find((candidate, index) => names.indexOf(candidate) !== index)
    if (duplicate !== undefined)
      throw new InputError({ field: 'documents', value: duplicate, expected: 'documents with different names' })
    const title = content.title ?? before?.title ?? ''
    const same = before !== undefined && isSameJson(before.documents, content.documents)
    if (same && title === before.title) return
    const version = same ? before.version : await nextVersion(tx, name)
    if (before === undefined) await tx.insert(answerFiles).values({ name, title, currentVersion: version })
    else await setCurrent(tx, before, { title, currentVersion: version })
    if (!same) await tx.insert(answerFileVersions).values({ answerFile: name, version, documents: content.documents })
  })
  return { answerFile: thing, created }
}

/** A change of a document by its name; a null `text` removes it. Other documents stay. */
export type DocumentChange = { name: string; text: string | null; mediaType?: string | undefined }

/**
 * Changes some fields of an answer file; absent fields stay.
 * @throws NotFoundError; InputError when it would have no document, or `check` refuses what it would have
 */
export async function changeAnswerFile(
  db: Db,
  name: string,
  change: { title?: string | null | undefined; documents?: DocumentChange[] | undefined },
  check: (documents: AnswerDocument[]) => void,
  precondition: Precondition,
  by: Actor,
): Promise<AnswerFile> {
  const contentAfter = (before: AnswerFile | undefined) => {
    requireFound(before, `answer file ${name}`)
    const documents = changedDocuments(before.documents, change.documents ?? [])
    check(documents)
    return { title: change.title === null ? '' : change.title, documents }
  }
  return (await saveDocuments(db, name, contentAfter, precondition, by)).answerFile
}

function changedDocuments(before: AnswerDocument[], changes: DocumentChange[]): AnswerDocument[] {
  const documents = new Map(before.map((document) => [document.name, document]))
  for (const { name, text, mediaType } of changes) {
    if (text !== null)
      documents.set(name, { name, mediaType: mediaType ?? documents.get(name)?.mediaType ?? defaultMediaType, text })
    else if (!documents.delete(name))
      throw new InputError({ field: 'documents', value: name, expected: `one of ${[...documents.keys()].join(', ')}` })
  }
  const count = documents.size
  if (count < 1 || count > maxDocuments)
    throw new InputError({
      field: 'documents',
      value: `${count} documents`,
      expected: `1 to ${maxDocuments} documents`,
    })
  return [...documents.values()]
}

/** Makes another version the current one, to roll back for example. @throws NotFoundError, InputError */
export async function useAnswerFileVersion(
  db: Db,
  name: string,
  version: number,
  precondition: Precondition,
  by: Actor,
): Promise<AnswerFile> {
  const { thing } = await saveNamed(db, noun, name, precondition, by, async (tx, before) => {
    requireFound(before, `answer file ${name}`)
    const versions = (await listAnswerFileVersions(tx, name)).map((version) => version.version)
    if (!versions.includes(version))
      throw new InputError({ field: 'version', value: String(version), expected: `one of ${versions.join(', ')}` })
    if (version !== before.version) await setCurrent(tx, before, { currentVersion: version })
  })
  return thing
}

/** @throws NotFoundError, PreconditionError; ConflictError while something names it */
export async function deleteAnswerFile(db: Db, name: string, precondition: Precondition, by: Actor): Promise<void> {
  await deleteNamed(db, noun, name, precondition, by, async (tx) => {
    await refuseNamed(tx, 'answerFile', name)
    await tx.delete(answerFiles).where(eq(answerFiles.name, name))
  })
}

async function nextVersion(tx: Tx, name: string): Promise<number> {
  const [newest] = await tx
    .select({ version: sql<number | null>`max(${answerFileVersions.version})` })
    .from(answerFileVersions)
    .where(eq(answerFileVersions.answerFile, name))
  return (newest?.version ?? 0) + 1
}

async function setCurrent(
  tx: Tx,
  before: AnswerFile,
  values: Partial<{ title: string; currentVersion: number }>,
): Promise<void> {
  await tx
    .update(answerFiles)
    .set({ ...values, revision: before.revision + 1, updatedAt: sql`now()` })
    .where(eq(answerFiles.name, before.name))
}

function auditView({ title, version, documents }: AnswerFile) {
  return { title, version, documents }
}
