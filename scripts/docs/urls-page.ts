import { bootRoutes } from '../../src/boot/routes.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

/** Every URL of the boot listener. */
export function urlsPage(): string {
  return formatPage([
    heading(1, 'URLs of the boot listener'),
    generatedFrom('src/boot/routes.ts'),
    paragraph(
      text('Machines use these URLs, without a password. '),
      code(':token'),
      text(' is the token of one boot, which its script contains. '),
      { type: 'link', url: '../explain/security.md', children: [text('Security')] },
      text(' says what a token opens.'),
    ),
    table(
      ['method', 'path', 'meaning'],
      bootRoutes.map(({ path, methods, summary }) => [
        text(methods === 'any' ? methods : methods.join(', ')),
        code(path.replace(/\{[^}]*\}/, '')),
        text(summary),
      ]),
    ),
  ])
}
