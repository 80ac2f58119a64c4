import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The compiled functions that a script passes through, by their modules. */
export type Program = Awaited<ReturnType<typeof loadProgram>>

/**
 * Loads the compiled program. tsx would name every function at run time (esbuild, keep-names), which costs more than some of the parts
 * that are measured here.
 */
export async function loadProgram() {
  return {
    ...(await load<typeof import('../../../src/boot/http/app.ts')>('boot/http/app')),
    ...(await load<typeof import('../../../src/boot/http/facts-query.ts')>('boot/http/facts-query')),
    ...(await load<typeof import('../../../src/bytes/store/folder-store.ts')>('bytes/store/folder-store')),
    ...(await load<typeof import('../../../src/config/data-folder.ts')>('config/data-folder')),
    ...(await load<typeof import('../../../src/decide/answer.ts')>('decide/answer')),
    ...(await load<typeof import('../../../src/decide/damage.ts')>('decide/damage')),
    ...(await load<typeof import('../../../src/decide/decision.ts')>('decide/decision')),
    ...(await load<typeof import('../../../src/decide/group-match.ts')>('decide/group-match')),
    ...(await load<typeof import('../../../src/files/stored-sizes.ts')>('files/stored-sizes')),
    ...(await load<typeof import('../../../src/inventory/boots/open-boot.ts')>('inventory/boots/open-boot')),
    ...(await load<typeof import('../../../src/lib/log.ts')>('lib/log')),
    ...(await load<typeof import('../../../src/lib/log-output.ts')>('lib/log-output')),
    ...(await load<typeof import('../../../src/lib/metrics.ts')>('lib/metrics')),
    ...(await load<typeof import('../../../src/lib/seal.ts')>('lib/seal')),
    ...(await load<typeof import('../../../src/model/catalog.ts')>('model/catalog')),
    ...(await load<typeof import('../../../src/model/identity/identity.ts')>('model/identity/identity')),
    ...(await load<typeof import('../../../src/model/facts.ts')>('model/facts')),
    ...(await load<typeof import('../../../src/model/selector.ts')>('model/selector')),
    ...(await load<typeof import('../../../src/render/names.ts')>('render/names')),
    ...(await load<typeof import('../../../src/render/scripts.ts')>('render/scripts')),
    ...(await load<typeof import('../../../src/server/http/boot-http.ts')>('server/http/boot-http')),
    ...(await load<typeof import('../../../src/server/templates.ts')>('server/templates')),
  }
}

async function load<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(join('dist', `${path}.js`)).href)) as Module
}
