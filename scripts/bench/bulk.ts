import { onEachDatabase } from './databases.ts'
import { fillCatalog, importMachines, machineCount } from './inventory.ts'
import { residentMb } from './peers.ts'

/** Uploads 100,000 machines in bulk, then the same machines again, which changes nothing. */
export async function benchBulk(folder: string): Promise<void> {
  await onEachDatabase(folder, async ({ database, socket, pid }) => {
    await fillCatalog(socket)
    console.log(`\nBulk upload of ${machineCount} machines as JSON lines, ${database}`)
    for (const what of ['new', 'the same machines again']) {
      const { seconds } = await importMachines(socket)
      const rate = Math.round(machineCount / seconds)
      console.log(
        `  ${what.padEnd(15)} ${seconds.toFixed(1)} s, ${rate} rows/s; Bootwright holds ${residentMb(pid)} MB`,
      )
    }
  })
}
