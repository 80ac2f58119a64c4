// Reads a folder of settings, and finds the file and the line of each fault.
import type { ApplyRequest } from '../../api/schemas/system/folder.ts'
import { type FieldFault, faultText, quote } from '../../lib/errors.ts'
import { type FolderFault, type FolderFiles, openFolder } from './files.ts'
import { directories, documentsPath, type List, lists, nameIn, pathOfThing, policyPath } from './layout.ts'
import { parseYaml, type YamlFile } from './yaml-file.ts'

/** A file that is a part of the request. */
type Source = { path: string; lineOf: YamlFile['lineOf']; documents: string[] }

/** A folder as the body of a request, and the faults of the server in the words of the folder. */
export type ReadFolder = {
  body: Pick<ApplyRequest, 'policy' | List>
  translate: (faults: FieldFault[]) => FolderFault[]
}

/** Reads a folder. @throws Error with all faults, each with its file, line and field */
export async function readFolder(folder: string): Promise<ReadFolder> {
  const files = await openFolder(folder)
  const sources = new Map<string, Source>()
  const things: { [L in List]: object[] } = { groups: [], menus: [], answerFiles: [], images: [], recipes: [] }
  let policy: object | undefined
  for (const { name, isDirectory } of await files.list('')) {
    const list = lists.find((candidate) => directories[candidate] === name)
    if (name === policyPath && !isDirectory) {
      const file = await readYaml(files, policyPath)
      if (file === undefined) continue
      policy = file.data
      sources.set('policy', { path: policyPath, lineOf: file.lineOf, documents: [] })
    } else if (list !== undefined && isDirectory)
      for (const thing of await readThings(files, list)) {
        sources.set(`${list}[${things[list].length}]`, thing.source)
        things[list].push(thing.data)
      }
    else if (isDirectory || !/\.md$|^LICENSE/i.test(name))
      files.refuse({ path: name, message: `expected only ${expectedNames}` })
  }
  if (files.faults.length > 0) throw new Error(formatFaults(files.faults))
  if (sources.size === 0) throw new Error(`${folder}: expected a file in ${expectedNames}`)
  const body = { ...(policy !== undefined && { policy }), ...things } as ReadFolder['body']
  return { body, translate: (faults) => faults.map((fault) => placeOf(fault, sources)) }
}

const expectedNames = `${[...Object.values(directories).map((name) => `${name}/`), policyPath].join(', ')}`

const maxShown = 50

/** Faults as lines: `groups/rack-b4.yaml:7: priority: expected a whole number, got "high"`. */
export function formatFaults(faults: FolderFault[]): string {
  const lines = faults.map(({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`}: ${message}`)
  const more = lines.length > maxShown ? [`and ${lines.length - maxShown} more`] : []
  return [...lines.slice(0, maxShown), ...more].join('\n')
}

async function readYaml(files: FolderFiles, path: string): Promise<(YamlFile & { text: string }) | undefined> {
  const text = await files.read(path)
  if (text === undefined) return undefined
  const parsed = parseYaml(text)
  if (!('faults' in parsed)) return { ...parsed, text }
  for (const fault of parsed.faults) files.refuse({ path, ...fault })
  return undefined
}

async function readThings(files: FolderFiles, list: List): Promise<{ data: object; source: Source }[]> {
  const entries = await files.list(directories[list])
  const documents = new Set(
    entries.filter(({ isDirectory }) => isDirectory).flatMap(({ name }) => nameIn(name, '.files') ?? []),
  )
  const found = []
  for (const entry of entries) {
    const path = `${directories[list]}/${entry.name}`
    if (list === 'answerFiles' && entry.isDirectory && nameIn(entry.name, '.files') !== undefined) continue
    const name = entry.isDirectory ? undefined : nameIn(entry.name, '.yaml')
    if (name === undefined)
      files.refuse({ path, message: 'expected NAME.yaml, where NAME is a-z, 0-9 and . _ -, at most 63 characters' })
    else {
      const file = await readYaml(files, path)
      if (file === undefined) continue
      const source: Source = { path, lineOf: file.lineOf, documents: [] }
      if (list === 'recipes') {
        found.push({ data: { name, text: file.text }, source })
        continue
      }
      const given = file.data.name ?? name
      if (given !== name)
        files.refuse({
          path,
          line: file.lineOf(['name']),
          message: `name: expected ${name}, as in the name of the file, got ${quote(given)}`,
        })
      const data = { ...file.data, name }
      const isAnswerFile = list === 'answerFiles'
      found.push({
        data: isAnswerFile ? await withTexts(files, name, documents.has(name), data, source) : data,
        source,
      })
    }
  }
  for (const name of list === 'answerFiles' ? documents : [])
    if (!entries.some((entry) => entry.name === `${name}.yaml`))
      files.refuse({
        path: documentsPath(name),
        message: `expected ${pathOfThing('answerFiles', name)}, which names the documents`,
      })
  return found
}

/** An answer file with the texts of its documents, which are the files beside it. */
async function withTexts(
  files: FolderFiles,
  name: string,
  hasFolder: boolean,
  data: object,
  source: Source,
): Promise<object> {
  const given = (data as { documents?: unknown }).documents
  // The server refuses any other form.
  if (!Array.isArray(given)) return data
  const folder = documentsPath(name)
  const names = new Set(hasFolder ? (await files.list(folder)).map((entry) => entry.name) : [])
  const documents = []
  for (const [index, document] of (given as ({ name?: unknown } | null)[]).entries()) {
    const file = typeof document?.name === 'string' ? document.name : undefined
    source.documents.push(`${folder}/${file}`)
    if (file !== undefined && names.delete(file))
      documents.push({ ...document, text: await files.read(`${folder}/${file}`) })
    else {
      const line = source.lineOf(['documents', index, 'name'])
      const message = `documents[${index}].name: expected the name of a file in ${folder}, got ${quote(file ?? 'nothing')}`
      files.refuse({ path: source.path, line, message })
    }
  }
  for (const file of names)
    files.refuse({ path: `${folder}/${file}`, message: `expected only documents that ${source.path} names` })
  return { ...data, documents }
}

/** The file and the line of a fault of the server, whose field begins with a list and a place in it. */
function placeOf(fault: FieldFault, sources: Map<string, Source>): FolderFault {
  const [, key = '', field = ''] = /^(policy|[a-zA-Z]+\[\d+\])\.?(.*)$/.exec(fault.field) ?? []
  const source = sources.get(key)
  if (source === undefined) return { path: 'the folder', message: faultText(fault) }
  const isRecipe = key.startsWith('recipes')
  const text = faultText({ ...fault, field: field || 'the file' })
  const own = text.startsWith(key) ? text.slice(key.length).replace(/^(\.|: )/, '') : text
  const message = isRecipe ? own.replace(/^text(\.|: )/, '') : own
  const [, document] = /^documents\[(\d+)\]\.text/.exec(field) ?? []
  const path = document === undefined ? undefined : source.documents[Number(document)]
  if (path !== undefined) return { path, line: Number(/\bline:? ?(\d+)/.exec(message)?.[1] ?? 1), message }
  return { path: source.path, line: source.lineOf(partsOf(isRecipe ? field.replace(/^text\.?/, '') : field)), message }
}

/** The parts of a field: `selector[0].label` is `selector`, 0, `label`. */
function partsOf(field: string): (string | number)[] {
  const [path = ''] = field.split(' ')
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([part, index]) => (index === undefined ? part : Number(index)))
}
