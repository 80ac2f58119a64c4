// The names of images, groups, menus and answer files, for the choices in forms.
import { type ApiClient, withQuery } from '../http/client.ts'

const maxNames = '1000'

/** The names in a list of the API. */
export async function namesOf(
  api: ApiClient,
  path: '/images' | '/groups' | '/menus' | '/answer-files',
): Promise<string[]> {
  const { items } = await api.ask<{ items: { name: string }[] }>('GET', withQuery(path, { limit: maxNames }))
  return items.map(({ name }) => name)
}

/** The choices of an assignment. */
export async function choicesOf(api: ApiClient): Promise<{ images: string[]; menus: string[]; answerFiles: string[] }> {
  const [images, menus, answerFiles] = await Promise.all([
    namesOf(api, '/images'),
    namesOf(api, '/menus'),
    namesOf(api, '/answer-files'),
  ])
  return { images, menus, answerFiles }
}
