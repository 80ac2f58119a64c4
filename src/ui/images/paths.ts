// URLs of pages about images.
import { pathOf } from '../http/client.ts'

/** The page of an image. */
export function imagePath(name: string): string {
  return pathOf('images', name)
}
