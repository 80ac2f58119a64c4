import { spawnSync } from 'node:child_process'

type Report = {
  /** Why the registry gave no report. */
  message?: string
  error?: { summary?: string }
  vulnerabilities?: Record<string, { severity: string; range: string }>
}

const failing = ['high', 'critical']

/**
 * Asks the npm registry for published vulnerabilities of the production dependencies in a folder's package-lock.json.
 * Vulnerabilities of level high and critical are unsafe. A registry without a report does not make a checkout unsafe.
 * @throws Error if npm fails for another reason
 */
export function auditDependencies(
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): { isSafe: boolean; lines: string[] } {
  const options = ['--json', '--package-lock-only', '--omit=dev', '--fetch-retries=0', '--fetch-timeout=20000']
  const { stdout, error } = spawnSync('npm', ['audit', ...options], { cwd: folder, env, encoding: 'utf8' })
  if (error !== undefined) throw error
  const { message, error: fault, vulnerabilities } = JSON.parse(stdout) as Report
  if (message !== undefined)
    return { isSafe: true, lines: [`skipped, because the registry gave no report: ${message}`] }
  if (vulnerabilities === undefined) throw new Error(`npm audit failed: ${fault?.summary ?? stdout}`)
  const lines = Object.entries(vulnerabilities).map(
    ([name, { severity, range }]) => `${name} ${range}: ${severity}. Run: npm audit`,
  )
  const isSafe = !Object.values(vulnerabilities).some(({ severity }) => failing.includes(severity))
  return { isSafe, lines: lines.length > 0 ? lines : ['no published vulnerabilities in production dependencies'] }
}
