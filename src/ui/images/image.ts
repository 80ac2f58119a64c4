// /images/:name: an image with its versions, files and uses.
import type { Image, ImageUses } from '../../api/schemas/images/image.ts'
import type { ImportList } from '../../api/schemas/images/import.ts'
import type { ImageVersionFileList, ImageVersionList } from '../../api/schemas/images/version.ts'
import { pathOf, type RefusedError, withQuery } from '../http/client.ts'
import { type Page, type PageHandler, submit, type Visit } from '../http/visit.ts'
import { usesOf } from '../machines/uses.ts'
import { judgeEndOfLife } from './end-of-life.ts'
import { describeImport } from './imports.ts'
import { imagePath } from './paths.ts'
import { describeVariants } from './variants.ts'

export const get: PageHandler = (visit) => imagePage(visit)

/** Saves the title, the end of life, and whether the image is an installer. */
export const save: PageHandler = async (visit) => {
  const { api, params, form } = visit
  const name = params.name ?? ''
  const installer = { yes: true, no: false }[form.get('installer') ?? '']
  const body = {
    ...(form.get('title') && { title: form.get('title') }),
    endOfLife: form.get('endOfLife') ?? null,
    installer: installer ?? null,
  }
  return submit(
    async () => {
      await api.ask('PATCH', pathOf('images', name), body, { 'if-match': form.get('etag') ?? '*' })
      return { redirect: imagePath(name), notice: `Image ${name} is changed.` }
    },
    (refusal) => imagePage(visit, refusal),
  )
}

async function imagePage({ api, params, query, form }: Visit, refusal?: RefusedError): Promise<Page> {
  const name = params.name ?? ''
  const path = pathOf('images', name)
  const [{ body: image, etag }, versions, uses, imports] = await Promise.all([
    api.read<Image>(path),
    api.ask<ImageVersionList>('GET', `${path}/versions`),
    api.ask<ImageUses>('GET', `${path}/uses`),
    api.ask<ImportList>('GET', withQuery('/imports', { image: name, state: 'open', limit: '5' })),
  ])
  const asked = Number(query.get('version') ?? image.version)
  const version = versions.items.find((item) => item.version === asked) ?? versions.items.find((item) => item.current)
  const files = await api.ask<ImageVersionFileList>('GET', `${path}/versions/${version?.version}/files`)
  const entered = refusal === undefined ? undefined : form.values
  return {
    view: 'images/image',
    title: name,
    data: {
      ...{ image, etag, uses, refusal, version },
      path: imagePath(name),
      versions: versions.items.map((item) => ({ ...item, archs: [...new Set(item.variants.map(({ arch }) => arch))] })),
      rollback: versions.rollback,
      support: judgeEndOfLife(image.endOfLife),
      usedBy: usesOf(uses, { image: name }),
      imports: imports.items.map(describeImport),
      variants: describeVariants(version?.variants ?? [], files),
      sizeBytes: files.sizeBytes,
      damaged: files.items.filter(({ damage }) => damage !== undefined).length,
      fields: entered ?? {
        title: image.title,
        endOfLife: image.endOfLife ?? '',
        installer: image.installer === undefined ? '' : image.installer ? 'yes' : 'no',
      },
    },
    commands: [
      { title: 'Show the image', path, cli: `image show ${name}` },
      { title: 'List its versions', path: `${path}/versions`, cli: `image versions ${name}` },
      { title: 'Count its machines', path: `${path}/uses` },
      {
        ...{ title: 'Set the title', method: 'PATCH', path, body: { title: image.title } },
        cli: `image set ${name} --title '${image.title.replaceAll("'", "'\\''")}'`,
      },
      {
        ...{ title: 'Verify its files', method: 'POST', path: '/files/verify', body: { images: [name] } },
        cli: `image verify ${name}`,
      },
    ],
  }
}
