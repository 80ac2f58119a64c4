// Wakes a machine on the networks of this namespace: MAC and last address are the arguments.
import { openWake } from '../../src/power/wake/open-wake.ts'

const [mac = '', lastIp] = process.argv.slice(2)
const { message } = await openWake({ macs: [mac], lastIp }).on()
console.log(message)
