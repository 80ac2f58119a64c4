import { settings } from '../../src/config/config.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

/** Every setting with its default and its meaning. */
export function settingsPage(): string {
  return formatPage([
    heading(1, 'Settings'),
    generatedFrom('src/config'),
    paragraph(
      text(
        'The server reads its settings from the environment when it starts. It refuses an unknown name that begins with ',
      ),
      code('BOOTWRIGHT_'),
      text(' and a value of the wrong form, and names every fault at once. '),
      code('bootwright serve --help'),
      text(' prints the same table.'),
    ),
    table(
      ['setting', 'default', 'meaning'],
      Object.values(settings).map(({ name, fallback, meaning }) => [
        code(name),
        fallback ? code(fallback) : text('none'),
        text(meaning),
      ]),
    ),
  ])
}
