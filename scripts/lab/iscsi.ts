import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { makeDisk } from './disk.ts'
import { dhcpAddress, type Net } from './net.ts'
import { piece } from './pieces.ts'
import { startIn } from './process.ts'

/** CHAP credentials of the machine; the second pair, if given, is the credentials of the target. */
export type ChapAccount = { user: string; password: string; reverseUser?: string; reversePassword?: string }

/** A running iSCSI target with one disk, LUN 1. */
export type IscsiTarget = {
  /** The URI in the form of iPXE (RFC 4173). */
  uri: string
  stop(): Promise<void>
}

/**
 * Starts tgtd(8) in the LAN's namespace, so that its control socket (an abstract one) is private, and gives it a disk that
 * prints the line when it boots.
 */
export async function startIscsiTarget(
  net: Net,
  workDir: string,
  line: string,
  account: ChapAccount,
): Promise<IscsiTarget> {
  const disk = join(workDir, 'iscsi.img')
  await makeDisk(disk, line, piece('efi-shell/shellx64.efi'))
  const iqn = 'iqn.2026-01.test.lab:disk'
  const daemon = startIn(net.lan, 'tgtd', ['--foreground', '--iscsi', `portal=${dhcpAddress}:3260`])
  const admin = (...args: string[]) => {
    const all = ['netns', 'exec', net.lan, 'tgtadm', '--lld', 'iscsi', ...args]
    const { status, stderr, error } = spawnSync('ip', all, { encoding: 'utf8' })
    if (status !== 0)
      throw new Error(`tgtadm ${args.join(' ')}: ${error?.message ?? stderr.trim()}\n${daemon.lastLines(20)}`)
  }
  const target = ['--mode', 'target', '--tid', '1']
  try {
    await ready(() => admin('--op', 'show', '--mode', 'sys'))
    admin('--op', 'new', ...target, '-T', iqn)
    admin('--op', 'new', '--mode', 'logicalunit', '--tid', '1', '--lun', '1', '-b', disk)
    admin('--op', 'bind', ...target, '-I', 'ALL')
    const accounts: [string | undefined, string | undefined, string[]][] = [
      [account.user, account.password, []],
      [account.reverseUser, account.reversePassword, ['--outgoing']],
    ]
    for (const [user, password, how] of accounts) {
      if (user === undefined || password === undefined) continue
      admin('--op', 'new', '--mode', 'account', '--user', user, '--password', password)
      admin('--op', 'bind', '--mode', 'account', '--tid', '1', '--user', user, ...how)
    }
  } catch (error) {
    await daemon.stop()
    throw error
  }
  return { uri: `iscsi:${dhcpAddress}:::1:${iqn}`, stop: daemon.stop }
}

async function ready(ask: () => void): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return ask()
    } catch (error) {
      if (tries === 50) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
