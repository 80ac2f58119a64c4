import { setTimeout as sleep } from 'node:timers/promises'

/** A machine that boots over HTTP on loopback, as iPXE and an installer do. */
export type FakeMachine = {
  mac: string
  uuid: string
  serial: string
  manufacturer: string
  product: string
  platform: 'efi' | 'pcbios'
  hostname: string
  rack: string
}

/** How far a machine gets: it reads a part of its kernel and stays there, boots, installs, or fails. */
export type Fate = 'stuck' | 'booted' | 'installed' | 'installing' | 'failed'

const ipxe = { 'user-agent': 'iPXE/2.0.0' }

/** Boots a machine. A stuck machine stays until the signal is aborted. */
export async function boot(bootUrl: string, machine: FakeMachine, fate: Fate, signal: AbortSignal): Promise<void> {
  const { mac, uuid, serial, manufacturer, product, platform } = machine
  const facts = {
    mac,
    uuid,
    serial,
    manufacturer,
    product,
    platform,
    buildarch: 'x86_64',
    cpuarch: 'x86_64',
    version: '2.0.0',
  }
  // iPXE encodes a space as %20, and the server takes a plus sign for itself.
  const query = `${new URLSearchParams(facts)}`.replaceAll('+', '%20')
  const script = await (await fetch(`${bootUrl}/ipxe?${query}`, { headers: ipxe })).text()
  const [files, token] = [script.match(/http:\S+\/files\/\S+/g) ?? [], /\/b\/([\w-]{43})/.exec(script)?.[1]]
  if (token === undefined) return
  const report = (what: string, message?: string) =>
    fetch(`${bootUrl}/b/${token}/${what}${message === undefined ? '' : `?message=${encodeURIComponent(message)}`}`, {
      headers: ipxe,
    }).then((response) => response.arrayBuffer())
  for (const [index, url] of files.entries()) {
    if (fate === 'stuck' && index === files.length - 1) return readSlowly(url, signal)
    if (fate === 'failed' && index === 1) return void (await report('failed', 'iPXE: initrd failed, error 4c126035'))
    await fetch(url, { headers: ipxe }).then((response) => response.arrayBuffer())
  }
  await report('ready')
  if (fate === 'booted') return void (await report('booted'))
  await report('installing', 'partitioning')
  if (fate === 'installed') await report('installed')
}

/** Reads a file at about 20 kB a second, as over a bad cable. */
async function readSlowly(url: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { headers: ipxe, signal }).catch(() => undefined)
  const reader = response?.body?.getReader()
  while (reader !== undefined && !signal.aborted) {
    const { done } = await reader.read().catch(() => ({ done: true }))
    if (done) return
    await sleep(1000, undefined, { signal }).catch(() => {})
  }
}
