// The views of the pages: eta templates, escaped, with the formats of values for people.
import { join } from 'node:path'
import { Eta } from 'eta'
import { programDir } from '../../lib/program-dir.ts'
import * as format from './format.ts'

/** Renders a view by its name, such as `machines/list`. In the view, `it` has the data, and `it.format` the formats. */
export type Views = (name: string, data: object) => string

/** The views of the program's folder. Each is compiled at its first use. */
export function openViews(folder = join(programDir, 'src', 'ui', 'views')): Views {
  const eta = new Eta({ views: folder, autoEscape: true, cache: true, autoTrim: false })
  return (name, data) => eta.render(name, { ...data, format })
}
