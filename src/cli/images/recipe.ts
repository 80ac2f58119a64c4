// `bootwright recipe`.
import type { Command } from 'commander'
import type { RecipeList, RecipePut, RecipeText } from '../../api/schemas/images/recipe.ts'
import { type FieldFault, faultText } from '../../lib/errors.ts'

import { RefusedError } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatEndOfLife } from '../shell/format.ts'
import { readInput } from '../shell/json-file.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'

/** `bootwright recipe`. */
export function addRecipeCommand(program: Command, deps: CliDeps): void {
  const recipe = program
    .command('recipe')
    .description('manage recipes of images: those of your own are in the database')

  recipe
    .command('list')
    .description('list all recipes')
    .action(async (_options, command: Command) => listRecipes(command, deps))

  recipe
    .command('show')
    .description('print the text of a recipe')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      const found = await clientOf(command, deps).ask<RecipeText>('GET', pathOf('recipes', name))
      print(command, deps, found, ({ text }) => text.replace(/\n$/, ''))
    })

  recipe
    .command('set')
    .description('create or replace a recipe; it replaces a recipe of the same name that ships with Bootwright')
    .argument('<name>', 'name of the recipe, and of its images: a-z 0-9 . _ -')
    .argument('<file>', 'YAML file, - for standard input')
    .action(async (name: string, file: string, _options, command: Command) => {
      const body: RecipePut = { text: await readInput(deps, file) }
      const saved = await clientOf(command, deps)
        .ask<RecipeText>('PUT', pathOf('recipes', name), body)
        .catch((error: unknown) => {
          if (!(error instanceof RefusedError) || error.faults.length === 0) throw error
          throw new Error(error.faults.map((fault) => `${file}: ${withoutPlace(fault)}`).join('\n'))
        })
      print(command, deps, saved, () => `recipe ${name} is saved. To add its image: bootwright image add ${name}`)
    })

  recipe
    .command('delete')
    .description('delete a recipe from the database; images that it made stay')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', pathOf('recipes', name))
      deps.err(`recipe ${name} deleted\n`)
    })
}

/** Prints all recipes, and the faults of invalid recipes. */
export async function listRecipes(command: Command, deps: CliDeps): Promise<void> {
  const answer = await clientOf(command, deps).ask<RecipeList>('GET', '/recipes')
  print(command, deps, answer, ({ items }) =>
    formatTable(
      ['NAME', 'TITLE', 'ARCHS', 'FROM', 'END OF LIFE'],
      items.map((row) => [
        row.name,
        row.title,
        row.archs.join(' '),
        row.origin,
        formatEndOfLife(row.endOfLife) || row.noEndOfLife,
      ]),
    ),
  )
  for (const fault of answer.faults) deps.err(`${fault.file}: ${fault.message}\n`)
}

/** A fault of the server in the words of the file, which is the field `text` of the request. */
function withoutPlace(fault: FieldFault): string {
  return faultText(fault).replace(/^text(\.|: )/, '')
}
