// What the API tells of the running server.
import type { CurrentSetting } from '../../config/current-settings.ts'

/** The running server, its settings and its switch of proxyDHCP. */
export type ServerFacts = {
  startedAt: Date
  siteName: string | undefined
  database: 'embedded' | 'PostgreSQL'
  /** The addresses of TFTP; undefined if it is not served. */
  tftpListening: string | undefined
  settings: CurrentSetting[]
  proxyDhcp: ProxySwitch
}

/** Where proxyDHCP answers. `fault`: why it does not answer on the saved interfaces. */
export type ProxyState = {
  interfaces: string[]
  source: 'environment' | 'saved' | 'default'
  fault?: string | undefined
}

/** Switches proxyDHCP on and off while the server runs. */
export type ProxySwitch = {
  state: () => ProxyState
  /**
   * Answers on these interfaces from now on, also after a restart. None switches it off.
   * @throws InputError if an interface does not exist; ConflictError if the environment sets the interfaces, or if a port cannot be
   * used. Then proxyDHCP stays as it was
   */
  set: (interfaces: string[]) => Promise<ProxyState>
}
