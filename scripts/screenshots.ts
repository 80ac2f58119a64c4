// `npm run screenshots`: the pictures of the page in the README, from a server with a sample inventory.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { startSampleServer } from './screenshots/sample-server.ts'
import { repository } from './setup/run.js'

const usage = `Usage: npm run screenshots -- [options]

Start a server on loopback with a sample inventory, and take the pictures of docs/screenshots with Debian's chromium.

  --serve PORT    only start the server on this port, and print the URL to sign in; Ctrl-C stops it
  --folder DIR    write the pictures there
  --wide          also pictures at 768 and 360 pixels, and in dark mode
  --help          show this help
`

const shots: [name: string, path: string][] = [
  ['now', '/'],
  ['machines', '/machines'],
  ['images', '/images'],
  ['setup', '/setup'],
]

const { values } = parseArgs({
  options: {
    serve: { type: 'string' },
    folder: { type: 'string', default: join(repository, 'docs', 'screenshots') },
    wide: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(usage)
else if (values.serve === undefined) await takeAll(values.folder, values.wide)
else await serve(Number(values.serve))

async function serve(port: number): Promise<void> {
  const server = await startSampleServer(port)
  console.log(`Open ${server.welcomeUrl}\nCtrl-C stops the server.`)
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
  await server.stop()
}

async function takeAll(folder: string, wide: boolean): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const server = await startSampleServer()
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const page = await context.newPage()
    await page.goto(server.welcomeUrl)
    await page.getByLabel('Name').fill('mira')
    await page.getByLabel('Password').fill('a picture of a rack')
    await page.getByRole('button').first().click()
    await page.waitForURL('**/setup')
    for (const [name, path] of shots) {
      await page.goto(`${server.adminUrl}${path}`)
      await page.waitForTimeout(1500)
      await page.screenshot({ path: join(folder, `${name}.png`) })
      for (const width of wide ? [768, 360] : []) {
        await page.setViewportSize({ width, height: 900 })
        await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: true })
      }
      await page.setViewportSize({ width: 1440, height: 900 })
      if (wide) {
        await page.emulateMedia({ colorScheme: 'dark' })
        // Colors change in a transition.
        await page.waitForTimeout(500)
        await page.screenshot({ path: join(folder, `${name}-dark.png`) })
        await page.emulateMedia({ colorScheme: 'light' })
      }
    }
  } finally {
    await browser.close()
    await server.stop()
  }
}
