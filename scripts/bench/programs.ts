import { spawnSync } from 'node:child_process'

/** Brings what measurements run beside Bootwright; ends the process, with what to install, where that cannot be. */
export function bringPieces(names: string[]): void {
  const { status } = spawnSync(process.execPath, ['scripts/setup.js', 'bench', ...names], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
