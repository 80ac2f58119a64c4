// Why the proxyDHCP server does not answer a packet, in plain words.

/** The reasons, for counters and tests. */
export const ignoredReasons = [
  'not-from-client',
  'other-message',
  'other-server',
  'not-network-boot',
  'apple',
  'raspberry-pi',
  'bad-mac',
  'bad-address',
  'no-arch',
  'unknown-arch',
  'repeated',
  'subnet',
  'mac',
  'watch-only',
  'busy',
  'unknown-machine',
  'database',
  'no-own-address',
  'tftp-off',
  'no-boot-program',
  'too-large',
] as const
export type IgnoredReason = (typeof ignoredReasons)[number]

/** A packet that gets no answer. `why` is for people and says what to change. */
export type Ignored = { ignored: IgnoredReason; why: string }

/** Ordinary DHCP traffic and repeated packets: nobody searches for these, and there are many. */
const ordinary = new Set<IgnoredReason>([
  'not-from-client',
  'other-message',
  'other-server',
  'not-network-boot',
  'repeated',
])

export function ignore(ignored: IgnoredReason, why: string): Ignored {
  return { ignored, why }
}

/** Whether an operator who searches for a machine that does not boot wants to see this. */
export function isWorthALine({ ignored }: Ignored): boolean {
  return !ordinary.has(ignored)
}
