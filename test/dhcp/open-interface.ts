// Runs in a network namespace of its own: opens the interface of the first argument, and prints `open`, or the error.
import { openInterface } from '../../src/dhcp/interface.ts'
import { messageOf } from '../../src/lib/errors.ts'
import { createLog } from '../../src/lib/log.ts'

const [device = 'lo', afterwards] = process.argv.slice(2)
const log = createLog('warn', { write: (line) => void process.stdout.write(line) })
const opened = await openInterface(device, ({ bytes, port }) => console.log(`${port}: ${bytes}`), log).catch(messageOf)
console.log(typeof opened === 'string' ? opened : 'open')
if (afterwards === 'stay') setTimeout(() => process.exit(), 60_000)
else process.exit()
