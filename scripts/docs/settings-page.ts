import type { Setting } from '../../src/config/setting.ts'
import { settings } from '../../src/config/settings.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

const titles: Record<keyof typeof settings, string> = {
  data: 'Data folder',
  database: 'Database',
  boot: 'Boot HTTP',
  admin: 'Admin HTTP',
  oidc: 'OpenID Connect',
  sessions: 'Sessions of people',
  site: 'Site',
  metrics: 'Metrics',
  tftp: 'TFTP',
  proxyDhcp: 'proxyDHCP',
  secrets: 'Secrets',
  answers: 'Answer files',
  discovery: 'Discovered machines',
  journal: 'Journal',
  history: 'History',
  files: 'Stored files',
  s3: 'Object store',
  power: 'Power',
  sending: 'Downloads by machines',
  imports: 'Imports',
  log: 'Log',
}

/** Every setting with its default, its values and its meaning. */
export function settingsPage(): string {
  return formatPage([
    heading(1, 'Settings'),
    generatedFrom('src/config/settings.ts'),
    paragraph(
      text(
        'The server reads its settings from the environment when it starts. It refuses an unknown name that begins with ',
      ),
      code('BOOTWRIGHT_'),
      text(' and a value of the wrong form, and names every fault at once. '),
      code('bootwright serve --help'),
      text(' prints the same settings.'),
    ),
    ...Object.entries(settings).flatMap(([room, group]) => [
      heading(2, titles[room as keyof typeof settings]),
      table(
        ['setting', 'default', 'value', 'meaning'],
        Object.values<Setting<unknown>>(group).map(({ name, fallback, expected, meaning }) => [
          code(name),
          fallback ? code(fallback) : text('none'),
          text(expected),
          text(meaning),
        ]),
      ),
    ]),
  ])
}
