// Renders the bootstrap, the first script of every machine. Called by scripts.ts and tftp/thread/program.ts.
import { platforms } from '../model/arch.ts'
import { screenCodes } from '../model/codes/screen-codes.ts'
import { createRenderer, type Templates } from './renderer.ts'
import { scriptProse } from './words.ts'

/** What a machine does that got no script for five minutes: `local` leaves iPXE for the next boot device. */
export type WithoutServer = 'local' | 'retry'

/** Renders the bootstrap for a base URL, which is empty if iPXE can resolve relative URLs. */
export function createBootstrap(templates: Templates, withoutServer: WithoutServer): (base: string) => string {
  const render = createRenderer(templates)
  const offline = render('offline', { codes: screenCodes(platforms), prose: scriptProse })
  return (base) => render('bootstrap.ipxe', { base, withoutServer, offline })
}
