// Reads the machines of the inventory page by page, for previews and counts.
import type { Db } from '../db/open.ts'
import { creationOrder, cursorOf, searchMachines } from '../inventory/machines/list.ts'
import type { Machine } from '../model/machine.ts'

const pageSize = 1000

/**
 * The machines in the order of their creation, in pages of 1000, at most about `max` machines.
 * @returns true if the inventory has more machines
 */
export async function* machinePages(db: Db, max: number): AsyncGenerator<Machine[], boolean> {
  let read = 0
  let page = await searchMachines(db, {}, creationOrder, pageSize)
  while (page.length > 0 && read < max) {
    yield page
    read += page.length
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return false
    page = await searchMachines(db, {}, creationOrder, pageSize, cursorOf(last, creationOrder))
  }
  return page.length > 0
}
