// The rooms of src/ from the top of the house to the ground. test/architecture.test.ts holds the rules.
const askers = ['decide', 'render', 'auth', 'doctor', 'intake', 'files', 'inventory', 'bytes']
/** The rooms, and what each may import besides the ground: by value, and by type only. */
export const rooms: Record<string, { values: string[]; types: string[] }> = {
  main: { values: ['cli', 'server'], types: [] },
  server: { values: ['tftp', 'dhcp', 'boot', 'api', 'ui', 'jobs', 'power', 'config', 'db', ...askers], types: [] },
  cli: { values: ['server', 'config', 'bytes', 'intake', 'doctor', 'render'], types: ['api'] },
  // For other programs: it has no part of the server.
  client: { values: [], types: [] },
  tftp: { values: askers, types: ['config', 'db'] },
  dhcp: { values: askers, types: ['config', 'db'] },
  boot: { values: askers, types: ['config', 'db'] },
  api: { values: askers, types: ['config', 'db'] },
  // The page is a client of the API in the same process (docs/decisions/012).
  ui: { values: ['auth'], types: ['api', 'config', 'db'] },
  jobs: { values: askers, types: ['config', 'db'] },
  // The API asks through the database. The queue here powers machines.
  power: { values: ['inventory'], types: ['db'] },
  decide: { values: ['inventory', 'render'], types: ['db'] },
  intake: { values: ['files', 'inventory', 'bytes', 'render'], types: ['config', 'db'] },
  files: { values: ['inventory', 'bytes'], types: ['db'] },
  doctor: { values: ['decide', 'render', 'files', 'inventory', 'bytes'], types: ['config', 'db'] },
  auth: { values: ['inventory'], types: ['config', 'db'] },
  inventory: { values: ['db'], types: [] },
  db: { values: [], types: [] },
  bytes: { values: [], types: ['config'] },
  render: { values: [], types: [] },
  config: { values: [], types: [] },
  model: { values: [], types: [] },
  lib: { values: [], types: [] },
}
/** The ground: every room may import it, and `lib/` imports nothing else. */
export const groundOf = (room: string) => (room === 'lib' ? [] : ['lib', 'model'])
