import { spawnSync } from 'node:child_process'

/** Installs the programs that benchmarks compare with Bootwright. If that fails, setup prints the reason and this process exits. */
export function installPrograms(names: string[]): void {
  const { status } = spawnSync(process.execPath, ['scripts/setup.js', 'bench', ...names], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
