// Answers made from database rows: pages of a list, and rows without null values.

/** One page of a list, with the cursor of the next page if there is one. It lists one extra item to find out. */
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

/** A row without its null values: in the API, unknown values are absent. */
export function withoutNulls<Row extends object>(row: Row) {
  type Present = { [Key in keyof Row as null extends Row[Key] ? never : Key]: Row[Key] }
  type Possible = { [Key in keyof Row as null extends Row[Key] ? Key : never]?: NonNullable<Row[Key]> }
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Present & Possible
}
