import { spawnSync } from 'node:child_process'
import type { Net } from './net.ts'

/** Bytes from the UDP header to the options of DHCP: the header, the fields of BOOTP and the cookie (RFC 2131, figure 1). */
const optionsAt = 8 + 240
/** The options of iPXE's ROM end before this place. */
const optionsUntil = 600

/**
 * The ROM of QEMU's network card is iPXE and tells DHCP servers so. This makes it an ordinary BIOS ROM for them: the switch renames
 * its options 77 and 175 to 224 and 225, which mean nothing. Returns a function that ends this, for the iPXE that the ROM loads.
 */
export function disguiseRom(net: Net): () => void {
  const lines: string[] = []
  for (let at = optionsAt; at < optionsUntil; at += 1) {
    const bits = at * 8
    // Option 77, `iPXE`.
    lines.push(`udp dport 67 @th,${bits},48 0x4d0469505845 @th,${bits},8 set 0xe0 udp checksum set 0`)
    // Option 175. Its first sub-option is 177, the bus of the card, with 5 bytes.
    lines.push(`udp dport 67 @th,${bits},8 0xaf @th,${bits + 16},16 0xb105 @th,${bits},8 set 0xe1 udp checksum set 0`)
  }
  const rules = `table bridge rom { chain options { type filter hook prerouting priority 0; ${lines.join('; ')}; }; }\n`
  nft(net, rules)
  return () => nft(net, 'delete table bridge rom\n')
}

function nft(net: Net, text: string): void {
  const args = ['netns', 'exec', net.lan, 'nft', '-f', '-']
  const { status, stderr, error } = spawnSync('ip', args, { input: text, encoding: 'utf8' })
  if (status !== 0) throw new Error(`nft: ${error?.message ?? stderr.slice(0, 500)}`)
}
