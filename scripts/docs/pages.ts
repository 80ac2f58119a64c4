import { apiPage } from './api-page.ts'
import { architecturePage } from './arrows.ts'
import { cliPage } from './cli-page.ts'
import { codesPage } from './codes-page.ts'
import { findingsPages } from './findings-pages.ts'
import { firmwarePage } from './firmware-page.ts'
import { settingsPage } from './settings-page.ts'
import { stagesPage } from './stages-page.ts'
import { urlsPage } from './urls-page.ts'

/** The generated pages: path from the root of the repository, and text. */
export async function generatePages(): Promise<Map<string, string>> {
  return new Map([
    ['ARCHITECTURE.md', architecturePage()],
    ['docs/reference/api.md', await apiPage()],
    ['docs/reference/cli.md', cliPage()],
    ...findingsPages(),
    ['docs/reference/codes.md', codesPage()],
    ['docs/reference/firmware.md', firmwarePage()],
    ['docs/reference/settings.md', settingsPage()],
    ['docs/reference/stages.md', stagesPage()],
    ['docs/reference/urls.md', urlsPage()],
  ])
}
