import { createDoctor, type Doctor } from '../../src/doctor/doctor.ts'
import type { ServerContext } from '../../src/doctor/server/context.ts'

/** The context of a doctor whose boot listener does not exist. */
export function doctorContext(
  deps: Pick<ServerContext, 'db' | 'inventory' | 'log' | 'findStoredSize' | 'scripts'> & Partial<ServerContext>,
  folder: string,
): ServerContext {
  return {
    settings: { afterRefusal: 'retry' },
    databaseAnswers: async () => true,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
    nbps: new Map(),
    nbpFolder: folder,
    dataFolder: folder,
    baseUrl: undefined,
    // Nothing listens at port 1.
    bootUrl: 'http://127.0.0.1:1',
    boot: { host: '0.0.0.0', port: 8080 },
    tftp: { configured: undefined, listening: undefined },
    proxyDhcp: [],
    bootSubnets: [],
    ...deps,
  }
}

export function createTestDoctor(...context: Parameters<typeof doctorContext>): Doctor {
  return createDoctor(doctorContext(...context))
}
