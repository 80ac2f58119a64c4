// The application of the file listener: stored files, and nothing else. Called by server/file-listener.ts and server/file-worker.ts.
import { Hono } from 'hono'
import { serveFile } from '../files.ts'
import { admitClients, answerFaults } from './clients.ts'
import type { FileDeps } from './deps.ts'
import type { BootEnv } from './request.ts'
import { createLabelOf, watchRequest } from './request-log.ts'

const labelOf = createLabelOf(['/files', '/livez'])

/** Serves `/files/{sha256}/{name}` as the boot listener does, and `/livez` for load balancers. */
export function createFileApp(deps: FileDeps): Hono<BootEnv> {
  const app = new Hono<BootEnv>()
  admitClients(app, deps, (context) => watchRequest(context, deps, labelOf))
  app.get('/files/:sha256/:name', (context) => serveFile(context, deps))
  app.get('/livez', (context) => context.text('ok\n'))
  answerFaults(app, deps, 'Not found. This listener serves only /files.\n')
  return app
}
