// /new/image: add an image from URLs, or from a file of the person's computer.
import type { Import, ImportRequest } from '../../api/schemas/images/import.ts'
import type { FileUploadList } from '../../api/schemas/images/upload.ts'
import { archs } from '../../model/arch.ts'
import { pathOf, type RefusedError } from '../http/client.ts'
import type { Form } from '../http/form.ts'
import { type Page, type PageHandler, submit, type Visit } from '../http/visit.ts'

export const form: PageHandler = (visit) => newPage(visit)

async function newPage({ api, form, query }: Visit, refusal?: RefusedError): Promise<Page> {
  const { items: uploads } = await api.ask<FileUploadList>('GET', '/uploads')
  // The page of an image leads here to add a version to it.
  const versionOf = query.get('image')
  const example = { image: versionOf ?? 'rescue', url: 'https://example.org/rescue.iso' }
  const linux = { kernel: { url: 'https://example.org/vmlinuz' }, initrds: [{ url: 'https://example.org/initrd.gz' }] }
  return {
    view: 'images/new',
    title: versionOf === undefined ? 'Add an image' : `Add a version of ${versionOf}`,
    data: { uploads, archs, refusal, versionOf, values: form.values, source: form.get('source') },
    commands: [
      {
        ...{ title: 'Import from a URL', method: 'POST', path: '/imports', body: example },
        cli: `image import ${example.url} --name ${example.image}`,
      },
      {
        ...{ title: 'Import a kernel and an initrd', method: 'POST', path: '/imports' },
        body: { image: example.image, linux: { ...linux, arch: 'x86_64' } },
        cli: `image add ${example.image} --kernel ${linux.kernel.url} --initrd ${linux.initrds[0]?.url}`,
      },
      {
        ...{ title: 'Upload and import a file: begin the upload', method: 'POST', path: '/uploads' },
        ...{
          body: { name: 'rescue.iso', sizeBytes: 734003200 },
          cli: `image import ./rescue.iso --name ${example.image}`,
        },
      },
      { title: 'List your unfinished uploads', path: '/uploads' },
    ],
  }
}

/** Starts an import. `source`: url, linux or file. */
export const start: PageHandler = async (visit) =>
  submit(
    async () => {
      const { id } = await visit.api.ask<Import>('POST', '/imports', requestOf(visit.form))
      return { redirect: `/imports/${id}` }
    },
    (refusal) => newPage(visit, refusal),
  )

/** The API judges the values. */
function requestOf(form: Form): ImportRequest {
  const common = {
    ...given(form, 'image'),
    ...given(form, 'title'),
    ...(form.has('promote') && { draft: false }),
  }
  const source = form.get('source')
  if (source === 'linux') return { ...common, linux: linuxOf(form) }
  const chosen = form.all('archs') as NonNullable<ImportRequest['archs']>
  const more = { ...common, ...(chosen.length > 0 && { archs: chosen }), ...(form.has('keepIso') && { keepIso: true }) }
  return source === 'file'
    ? { ...more, file: form.get('file') ?? '' }
    : { ...more, url: form.get('url') ?? '', ...given(form, 'sha256') }
}

function linuxOf(form: Form): NonNullable<ImportRequest['linux']> {
  const lines = (name: string) => (form.get(name) ?? '').split(/\s+/).filter((word) => word !== '')
  return {
    kernel: { url: form.get('kernel') ?? '' },
    initrds: lines('initrds').map((url) => ({ url })),
    args: lines('args'),
    arch: (form.get('arch') ?? 'x86_64') as NonNullable<ImportRequest['linux']>['arch'],
  }
}

function given<Name extends string>(form: Form, name: Name): { [Key in Name]?: string } {
  const value = form.get(name)
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: string }
}

/** Deletes an unfinished upload of the person. */
export const removeUpload: PageHandler = async ({ api, params }) => {
  await api.ask('DELETE', pathOf('uploads', params.id ?? ''))
  return { redirect: '/new/image', notice: 'The unfinished upload is deleted.' }
}
