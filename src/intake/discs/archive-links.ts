// Resolves symbolic links inside an archive.
import type { Entry } from './layouts.ts'

/** An entry of an archive: a file, a link, or another kind (a device, a pipe). Folders have no nodes; paths imply them. */
export type Node =
  | { kind: 'file'; sizeBytes: number }
  | { kind: 'link'; target: string }
  | { kind: 'other'; what: string }

/** The files of an archive after its links are resolved. */
export type Tree = {
  /** Files, also under the paths of links to them. Entries with a `fault` cannot be read. */
  entries: Entry[]
  /** Links to folders that are not followed, with the reason. */
  leftOut: string[]
}

/** Linux follows at most this many links on a path (path_resolution(7)). */
const maxHops = 40

type Place = { at: 'file' | 'folder'; path: string } | { at: 'nothing' | 'outside' | 'loop' }

/**
 * Resolves the links of an archive, never to a target outside of it. A link to a folder is followed once, so that no path visits
 * a folder twice. @throws RangeError if the result has more than `maxEntries` files
 */
export function followLinks(nodes: ReadonlyMap<string, Node>, maxEntries: number): Tree {
  const files = [...nodes].flatMap(([path, node]) => (node.kind === 'file' ? [path] : [])).sort()
  const folders = foldersOf(nodes.keys())
  const entries: Entry[] = []
  const leftOut: string[] = []
  const add = (entry: Entry) => {
    if (entries.length >= maxEntries) throw new RangeError(`more than ${maxEntries} files`)
    entries.push(entry)
  }
  const sizeOf = (path: string) => {
    const node = nodes.get(path)
    return node?.kind === 'file' ? node.sizeBytes : 0
  }
  for (const [path, node] of nodes) {
    if (node.kind === 'file') add({ path, sizeBytes: node.sizeBytes })
    else if (node.kind === 'other') add({ path, sizeBytes: 0, fault: node.what })
    else {
      const place = placeOf(path, nodes, folders)
      if (place.at === 'file') add({ path, sizeBytes: sizeOf(place.path), real: place.path })
      else if (place.at !== 'folder') add({ path, sizeBytes: 0, fault: faultOf(node.target, place.at) })
      else if (isWithin(path, place.path)) leftOut.push(`${path}: a link to ${node.target}, a folder that it is in`)
      else
        for (const file of below(files, place.path))
          add({ path: `${path}${file.slice(place.path.length)}`, sizeBytes: sizeOf(file), real: file })
    }
  }
  return { entries, leftOut }
}

function faultOf(target: string, at: 'nothing' | 'outside' | 'loop'): string {
  const why = {
    nothing: 'which is not there',
    outside: 'which is outside of it',
    loop: 'which leads back to itself',
  }
  return `a link to ${target}, ${why[at]}`
}

/** Resolves a path as Linux does. */
function placeOf(path: string, nodes: ReadonlyMap<string, Node>, folders: ReadonlySet<string>): Place {
  let left = path.split('/')
  let here: string[] = []
  for (let hops = 0; left.length > 0; ) {
    const [part = '', ...further] = left
    left = further
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (here.pop() === undefined) return { at: 'outside' }
      continue
    }
    const node = nodes.get([...here, part].join('/'))
    if (node?.kind !== 'link') {
      here = [...here, part]
      continue
    }
    if (++hops > maxHops) return { at: 'loop' }
    if (node.target.startsWith('/')) return { at: 'outside' }
    left = [...node.target.split('/'), ...left]
  }
  const real = here.join('/')
  if (nodes.get(real)?.kind === 'file') return { at: 'file', path: real }
  return folders.has(real) ? { at: 'folder', path: real } : { at: 'nothing' }
}

function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set([''])
  for (const path of paths)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at)
      if (folders.has(folder)) break
      folders.add(folder)
    }
  return folders
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path.startsWith(`${folder}/`)
}

/** The paths below a folder, from sorted paths. */
function* below(sorted: string[], folder: string): Generator<string> {
  const start = `${folder}/`
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as string) < start) low = middle + 1
    else high = middle
  }
  for (; low < sorted.length && (sorted[low] as string).startsWith(start); low++) yield sorted[low] as string
}
