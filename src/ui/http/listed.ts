/** A page of a list of the API, with the cursor of the next. */
export type Listed<Item> = { items: Item[]; next?: string }
