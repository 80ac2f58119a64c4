import type { ServerFacts } from '../../src/api/system/server-facts.ts'
import { loadConfig } from '../../src/config/config.ts'

/** The facts of a server without settings, without sockets for proxyDHCP. */
export function serverFacts(env: Record<string, string> = {}): ServerFacts {
  let interfaces: string[] = []
  return {
    startedAt: new Date(),
    siteName: loadConfig(env).site.name,
    database: 'embedded',
    tftpListening: '0.0.0.0:69',
    settings: loadConfig(env).listed,
    proxyDhcp: {
      state: () => ({ interfaces, source: interfaces.length > 0 ? 'saved' : 'default' }),
      set: async (chosen) => {
        interfaces = chosen
        return { interfaces, source: chosen.length > 0 ? 'saved' : 'default' }
      },
    },
  }
}
