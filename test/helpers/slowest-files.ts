import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const maxFiles = 10

/** Prints the slowest test files after a run of more files than it names; used beside any other reporter. */
export function reportSlowestFiles(print: (text: string) => void = console.log): Reporter {
  return {
    onTestRunEnd: (modules) => {
      if (modules.length > maxFiles) print(formatSlowest(modules))
    },
  }
}

function formatSlowest(modules: readonly TestModule[]): string {
  const files = modules.map((module) => ({ path: relative(process.cwd(), module.moduleId), ms: durationMs(module) }))
  const slowest = files.sort((a, b) => b.ms - a.ms).slice(0, maxFiles)
  const lines = slowest.map(({ path, ms }) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${path}`)
  return `\nThe ${maxFiles} slowest of ${files.length} test files:\n${lines.join('\n')}\n`
}

function durationMs(module: TestModule): number {
  const { environmentSetupDuration, prepareDuration, setupDuration, collectDuration, duration } = module.diagnostic()
  return environmentSetupDuration + prepareDuration + setupDuration + collectDuration + duration
}
