// The layout of a folder of settings: which file holds what.
import type { ApplyRequest, ExportedFolder } from '../../api/schemas/system/folder.ts'
import { namePattern } from '../../lib/ids/names.ts'
import { formatYaml } from './yaml-file.ts'

/** The lists of a folder, and the directory of each. */
export const directories = {
  groups: 'groups',
  menus: 'menus',
  answerFiles: 'answer-files',
  images: 'images',
  recipes: 'recipes',
} as const satisfies { [List in keyof ApplyRequest]?: string }
export type List = keyof typeof directories
export const lists = Object.keys(directories) as List[]

export const policyPath = 'policy.yaml'

/** The path of a thing's file. */
export function pathOfThing(list: List, name: string): string {
  return `${directories[list]}/${name}.yaml`
}

/** The directory of the documents of an answer file. No name of an answer file's YAML ends like it. */
export function documentsPath(name: string): string {
  return `${directories.answerFiles}/${name}.files`
}

/** The name in the name of a file or directory with this end: `rack-b4` of `rack-b4.yaml`. */
export function nameIn(fileName: string, end: '.yaml' | '.files'): string | undefined {
  const name = fileName.slice(0, -end.length)
  return fileName.endsWith(end) && namePattern.test(name) ? name : undefined
}

/** The files of an exported folder, by their paths. */
export function filesOfFolder({ policy, ...folder }: ExportedFolder): Map<string, string> {
  const files = new Map<string, string>([['.gitattributes', gitAttributes]])
  if (policy !== undefined) files.set(policyPath, formatYaml(policy))
  for (const list of lists)
    for (const thing of folder[list])
      files.set(pathOfThing(list, thing.name), 'text' in thing ? thing.text : formatYaml(withoutTexts(thing)))
  for (const { name, documents } of folder.answerFiles)
    for (const document of documents) files.set(`${documentsPath(name)}/${document.name}`, document.text)
  return files
}

/** In recipes and in the documents of answer files, every byte counts. */
const gitAttributes = `* text eol=lf\n/${directories.answerFiles}/*.files/* -text\n/${directories.recipes}/* -text\n`

function withoutTexts(thing: object): object {
  if (!('documents' in thing)) return thing
  const documents = thing.documents as { text: string }[]
  return { ...thing, documents: documents.map(({ text: _, ...document }) => document) }
}
