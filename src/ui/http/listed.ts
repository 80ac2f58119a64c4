import { RefusedError } from './client.ts'

/** A page of a list of the API, with the cursor of the next. */
export type Listed<Item> = { items: Item[]; next?: string }

/** For `catch`: a refused filter is shown beside its fields. */
export function refusedFilter(error: unknown): RefusedError {
  if (error instanceof RefusedError && error.status === 422) return error
  throw error
}
