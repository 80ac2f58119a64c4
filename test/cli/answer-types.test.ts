// The command line knows the API by the types of api/schemas alone.
import { join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { readSource, sourceFiles } from '../../scripts/docs/imports.ts'

const sources = sourceFiles()
  .filter((name) => name.startsWith('cli/'))
  .map((name) => ({ name, text: readSource(name) }))

/** What a source imports: the names, and the file that they come from, below `src/`. */
function importsOf({
  name,
  text,
}: {
  name: string
  text: string
}): { names: string[]; from: string; typeOnly: boolean }[] {
  return [...text.matchAll(/^import (type )?\{([^}]*)\} from '(\.[^']*)'/gm)].map(
    ([, type, names = '', from = '']) => ({
      names: names.split(',').map((text) => text.trim().replace(/^type /, '')),
      from: normalize(join(name, '..', from)),
      typeOnly: type !== undefined,
    }),
  )
}

const calls = /\.(?:ask|find|list)<([^>]*)>|streamLines<([^>]*)>\(|JSON\.parse\([^;]*?\) as ([A-Z]\w*)/g

test('api/schemas exports every answer type that a command reads', () => {
  const found = sources.flatMap((source) => {
    const imported = importsOf(source).filter(({ from }) => from.startsWith('api/schemas/'))
    const names = imported.flatMap((item) => item.names)
    return (
      [...source.text.matchAll(calls)]
        .map(([, asked, streamed, parsed]) => asked ?? streamed ?? parsed ?? '')
        // A value of an option may be JSON too.
        .filter((type) => type !== 'Json')
        .map((type) => ({ file: source.name, type, isOfSchemas: names.includes(type) }))
    )
  })
  expect(found.length).toBeGreaterThan(40)
  const plumbing = (file: string) => file.startsWith('cli/shell/')
  expect(found.filter(({ file, isOfSchemas }) => !isOfSchemas && !plumbing(file))).toEqual([])
})

test('commands take only types from the API, and only from its schemas', () => {
  const fromApi = sources.flatMap((source) =>
    importsOf(source)
      .filter(({ from }) => from.startsWith('api/'))
      .map((item) => ({ file: source.name, ...item })),
  )
  expect(fromApi.length).toBeGreaterThan(15)
  expect(fromApi.filter(({ from, typeOnly }) => !typeOnly || !from.startsWith('api/schemas/'))).toEqual([])
})
