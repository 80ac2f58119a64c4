import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchBulk } from './bench/bulk.ts'
import { benchCounts } from './bench/counts.ts'
import { benchDurable } from './bench/durable.ts'
import { benchEmbedded } from './bench/embedded.ts'
import { benchFiles } from './bench/files.ts'
import { benchPage } from './bench/page.ts'
import { installPrograms } from './bench/programs.ts'
import { benchRoster } from './bench/roster.ts'
import { benchScriptCost } from './bench/script-cost.ts'
import { benchScripts } from './bench/scripts.ts'
import { benchTftp } from './bench/tftp.ts'

// npm run bench [-- files|tftp|scripts|script-cost|bulk|page|durable|embedded|roster|counts]: prints figures, and their ratio to a peer that ran in the same minute on the same
// bytes. Installs nginx, tftpd-hpa, curl, wrk and postgresql as the tests do, or names what to install. Sends to loopback only.
const benches = {
  files: benchFiles,
  tftp: benchTftp,
  scripts: benchScripts,
  'script-cost': benchScriptCost,
  bulk: benchBulk,
  page: benchPage,
  durable: benchDurable,
  embedded: benchEmbedded,
  roster: benchRoster,
  counts: benchCounts,
}
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benches)
installPrograms(names)
const folder = mkdtempSync(join(tmpdir(), 'bootwright-bench-'))
try {
  console.log(`${cpus().length} cores, Node ${process.version}`)
  for (const [name, run] of Object.entries(benches)) if (names.includes(name)) await run(join(folder, name))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
