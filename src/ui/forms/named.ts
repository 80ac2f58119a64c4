// Things with a name that an editor saves and deletes: groups, menus and answer files.
import type { Concerns } from '../../api/schemas/machines/concerns.ts'
import { pathOf, type RefusedError, withQuery } from '../http/client.ts'
import { isCorrectable, type Page, type Redirect, submit, type Visit } from '../http/visit.ts'

/** The paths of the things, in the API and on the page alike. */
export type Collection = 'groups' | 'menus' | 'answer-files'

/** What an editor shows about its input. */
export type Previewed<Preview> = { preview?: Preview | undefined; fault?: RefusedError | undefined }

/** Asks for the preview of an input. `fault`: why the API cannot preview it. */
export async function findPreview<Preview>(ask: () => Promise<Preview>): Promise<Previewed<Preview>> {
  try {
    return { preview: await ask() }
  } catch (error) {
    if (!isCorrectable(error)) throw error
    return { fault: error }
  }
}

/** The name in the path, or for something new, in the form. */
export function nameIn({ params, form }: Pick<Visit, 'params' | 'form'>): string {
  return params.name ?? form.get('name') ?? ''
}

/** Saves a thing, unless somebody else changed or created it after the form was opened. Counts the machines that this concerns. */
export async function saveNamed<Saved>(
  visit: Visit,
  collection: Collection,
  body: unknown,
): Promise<Saved & { concerns?: Concerns }> {
  const etag = visit.form.get('etag')
  const condition = etag === undefined ? { 'if-none-match': '*' } : { 'if-match': etag }
  const path = withQuery(pathOf(collection, nameIn(visit)), { count: 'true' })
  return visit.api.ask<Saved & { concerns?: Concerns }>('PUT', path, body, condition)
}

/** Deletes a thing, unless somebody else changed it after the page asked. @param again that page, with the refusal */
export function deleteNamed(
  visit: Visit,
  collection: Collection,
  word: string,
  again: (visit: Visit, refusal: RefusedError) => Promise<Page>,
): Promise<Page | Redirect> {
  const name = nameIn(visit)
  const etag = visit.form.get('etag')
  return submit(
    async () => {
      await visit.api.ask('DELETE', pathOf(collection, name), undefined, etag === undefined ? {} : { 'if-match': etag })
      return { redirect: `/${collection}`, notice: `${word} ${name} is deleted.` }
    },
    (refusal) => again(visit, refusal),
  )
}
