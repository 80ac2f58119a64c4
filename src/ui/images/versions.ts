// /images/:name/diff, promote, delete: what changes before a version is promoted, and what breaks before something is deleted.

import type { VerifyLine } from '../../api/schemas/images/file.ts'
import type { Image, ImageUses } from '../../api/schemas/images/image.ts'
import type { ImageDiff, ImageVersionList } from '../../api/schemas/images/version.ts'
import { changedSince } from '../forms/changed.ts'
import { type Counted, concernsSentence, countedPath, findConcerns } from '../forms/concerns.ts'
import { pathOf, type RefusedError, withQuery } from '../http/client.ts'
import { count } from '../http/format.ts'
import { type Page, type PageHandler, submit, type Visit } from '../http/visit.ts'
import { usesOf } from '../machines/uses.ts'
import { imagePath } from './paths.ts'

export const diff: PageHandler = (visit) => diffPage(visit)

async function diffPage(visit: Visit, refusal?: RefusedError): Promise<Page> {
  const { api, may, params, query, form } = visit
  const name = params.name ?? ''
  const path = pathOf('images', name)
  const [{ body: image, etag }, { items, rollback }, uses] = await Promise.all([
    api.read<Image>(path),
    api.ask<ImageVersionList>('GET', `${path}/versions`),
    api.ask<ImageUses>('GET', `${path}/uses`),
  ])
  const to = form.get('version') ?? query.get('to') ?? String(image.version)
  const from = query.get('from') ?? String(form.has('version') ? image.version : (rollback ?? image.version))
  const asked = withQuery(`${path}/diff`, { from, to })
  const found = await api.ask<ImageDiff>('GET', asked)
  const mayPromote = found.to !== image.version && may('images.edit')
  const [counted, meanwhile] = await Promise.all([
    mayPromote ? findConcerns(api, 'PATCH', path, { version: found.to }) : {},
    refusal === undefined ? [] : changedSince(visit, 'image', name, refusal),
  ])
  return {
    view: 'images/diff',
    title: `${name}: versions ${from} and ${to}`,
    data: {
      ...{ image, etag, uses, refusal, versions: items },
      path: imagePath(name),
      diff: found,
      isRollback: found.to === rollback,
      ...{ mayPromote, meanwhile, ...counted },
    },
    commands: [
      { title: 'Compare these versions', path: asked, cli: `image diff ${name} ${from} ${to}` },
      ...(found.to === image.version ? [] : [promoteCommand(path, name, found.to)]),
    ],
  }
}

function promoteCommand(path: string, name: string, version: number) {
  return {
    ...{ title: `Promote version ${version}`, method: 'PATCH' as const, path, body: { version } },
    cli: `image promote ${name} ${version}`,
  }
}

export const promote: PageHandler = async (visit) => {
  const { api, params, form } = visit
  const name = params.name ?? ''
  const version = Number(form.get('version'))
  return submit(
    async () => {
      const headers = { 'if-match': form.get('etag') ?? '*' }
      const path = countedPath(pathOf('images', name))
      const { concerns } = await api.ask<Counted>('PATCH', path, { version }, headers)
      return {
        redirect: imagePath(name),
        notice: `Version ${version} of ${name} is current. ${concernsSentence(concerns)}`,
      }
    },
    (refusal) => diffPage(visit, refusal),
  )
}

/** Asks before an image, or a version of it, is deleted. */
export const askDelete: PageHandler = (visit) => deletePage(visit)

async function deletePage({ api, params }: Visit, refusal?: RefusedError): Promise<Page> {
  const name = params.name ?? ''
  const version = params.version
  const path = pathOf('images', name)
  const [{ body: image, etag }, { items }, uses] = await Promise.all([
    api.read<Image>(path),
    api.ask<ImageVersionList>('GET', `${path}/versions`),
    api.ask<ImageUses>('GET', `${path}/uses`),
  ])
  const target = version === undefined ? path : `${path}/versions/${version}`
  return {
    view: 'images/delete',
    title: `Delete ${name}`,
    data: {
      ...{ image, etag, uses, refusal, version, versions: items },
      path: imagePath(name),
      action: version === undefined ? `/images/${name}/delete` : `/images/${name}/versions/${version}/delete`,
      usedBy: usesOf(uses, { image: name }),
      isCurrent: version !== undefined && Number(version) === image.version,
    },
    commands: [
      {
        ...{ title: 'Delete', method: 'DELETE', path: target },
        cli: version === undefined ? `image delete ${name}` : `image delete ${name} ${version}`,
      },
    ],
  }
}

export const remove: PageHandler = async (visit) => {
  const { api, params, form } = visit
  const { name = '', version } = params
  const path = pathOf('images', name)
  const headers = { 'if-match': form.get('etag') ?? '*' }
  return submit(
    async () => {
      await api.ask('DELETE', version === undefined ? path : `${path}/versions/${version}`, undefined, headers)
      return version === undefined
        ? { redirect: '/images', notice: `Image ${name} is deleted.` }
        : { redirect: imagePath(name), notice: `Version ${version} of ${name} is deleted.` }
    },
    (refusal) => deletePage(visit, refusal),
  )
}

type Verified = { items: Extract<VerifyLine, { kind: 'checked' | 'failed' }>[]; checked: number; bytes: number }

/** Verifies the files of an image, and waits for the end. */
export const verify: PageHandler = async ({ api, params }) => {
  const name = params.name ?? ''
  const { items, checked } = await api.ask<Verified>('POST', '/files/verify', { images: [name] })
  const wrong = items.map((item) => `${item.name}: ${item.kind === 'failed' ? item.message : item.damage}`)
  const found = wrong.length === 0 ? 'None is corrupted.' : `Wrong: ${wrong.slice(0, 3).join('; ')}`
  return { redirect: imagePath(name), notice: `${count(checked, 'file')} verified. ${found}` }
}
