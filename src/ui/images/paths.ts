// URLs of pages about images.

/** Pages of their own; an image may have the same name. */
const reserved = new Set(['new', 'recipes'])

/** The page of an image. */
export function imagePath(name: string): string {
  return reserved.has(name) ? `/images/${name}/versions` : `/images/${encodeURIComponent(name)}`
}
