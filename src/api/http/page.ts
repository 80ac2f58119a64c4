// Answers made of rows: one page of a list, and rows without what is not known.

/** One page, of the items that were asked for with a limit of one more, and the cursor of the next when there is one. */
export async function page<Item>(
  limit: number | undefined,
  list: (count: number) => Promise<Item[]>,
  cursor: (item: Item) => string,
) {
  const count = limit ?? 100
  const found = await list(count + 1)
  const items = found.slice(0, count)
  const last = items.at(-1)
  return { items, ...(found.length > count && last !== undefined && { next: cursor(last) }) }
}

/** An object's values without those that are null: in the API what is not known is absent. */
export function withoutNulls<Row extends object>(row: Row) {
  type Known = { [Key in keyof Row as null extends Row[Key] ? never : Key]: Row[Key] }
  type Maybe = { [Key in keyof Row as null extends Row[Key] ? Key : never]?: NonNullable<Row[Key]> }
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Known & Maybe
}
