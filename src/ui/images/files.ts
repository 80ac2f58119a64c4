// /files: stored files; verify them, and delete those that nothing uses.
import type { ClearLine, StoredFile } from '../../api/schemas/images/file.ts'
import { withQuery } from '../http/client.ts'
import { bytes, count } from '../http/format.ts'
import type { Listed } from '../http/listed.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'

type Found = Extract<ClearLine, { kind: 'unnamed' | 'unrecorded' | 'damaged' }>
type Cleared = { items: Found[]; files: number; bytes: number }

export const list: PageHandler = (visit) => filesPage(visit)

async function filesPage({ api, query }: Visit, unused?: Cleared): Promise<Page> {
  const after = query.get('after')
  const path = withQuery('/files', { limit: '100', after })
  const { items, next } = await api.ask<Listed<StoredFile>>('GET', path)
  return {
    view: 'images/files',
    title: 'Stored files',
    data: { files: items, unused, next: next && withQuery('/files', { after: next }) },
    commands: [
      { title: 'List these files', path, cli: 'file list' },
      { title: 'Verify all files', method: 'POST', path: '/files/verify', body: {}, cli: 'file verify' },
      {
        ...{ title: 'Find unused files', method: 'POST', path: '/files/gc', body: { dryRun: true } },
        cli: 'file gc',
      },
    ],
  }
}

/** Shows the files that nothing refers to. Deletes nothing. */
export const findUnused: PageHandler = async (visit) =>
  filesPage(visit, await visit.api.ask<Cleared>('POST', '/files/gc', { dryRun: true }))

export const clear: PageHandler = async ({ api }) => {
  const { files, bytes: freed } = await api.ask<Cleared>('POST', '/files/gc', { dryRun: false })
  return { redirect: '/files', notice: `${count(files, 'unused file')} deleted, ${bytes(freed)} freed.` }
}

/** Verifies all stored files, and waits for the end. */
export const verify: PageHandler = async ({ api }) => {
  const { checked, damaged } = await api.ask<{ checked: number; damaged: number }>('POST', '/files/verify', {})
  return { redirect: '/files', notice: `${count(checked, 'file')} verified. ${damaged} corrupted.` }
}
