import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditDependencies } from './dependencies/audit.ts'
import { unlistedLicences } from './dependencies/licences.ts'

// npm run check:dependencies: the licences and the published vulnerabilities of production dependencies.
const repository = join(import.meta.dirname, '..')

const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8'))
const faults = unlistedLicences(lock)
for (const fault of faults) console.log(`licences: ${fault}`)
if (faults.length === 0) console.log('licences: all production dependencies have a licence on the list')

const { isSafe, lines } = auditDependencies(repository)
for (const line of lines) console.log(`audit: ${line}`)

if (faults.length > 0 || !isSafe) process.exitCode = 1
