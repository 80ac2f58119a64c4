// Recognises a layout at the top or in a folder, and explains why if nothing matches.
import { pathsOf } from './layout-variants.ts'
import { commandByHand, nameFrom } from './layouts/source.ts'
import { type Entry, findLayout, type Layout } from './layouts.ts'

type ReadText = (path: string) => Promise<string | undefined>

/**
 * Recognises the files, which must be a single system.
 * @param name what the operator calls the ISO, archive or folder
 * @throws Error for the operator that names the folders to choose from, or how to add a kernel by hand
 */
export async function requireLayout(entries: Entry[], readText: ReadText, name: string): Promise<Layout> {
  const found = await findOne(entries, readText)
  if (found !== undefined && found !== 'several' && found.layout.variants.length === 0)
    throw new Error(`${name}: ${found.layout.notes.join(' ')}`)
  if (found !== undefined && found !== 'several' && !(await isOfFolder(found, entries, readText))) return found.layout
  const folders = await foldersWithLayouts(entries, readText)
  // The layout is in a folder, and no other system is beside it.
  if (found !== undefined && found !== 'several' && folders.length <= 1) return found.layout
  const start = name.replace(/\/+$/, '')
  if (folders.length > 0) {
    const choices = folders.map((folder) => `\n  bootwright image import ${start}/${folder}`).join('')
    throw new Error(`${name}: it has several systems. Import one of its folders:${choices}`)
  }
  const word = nameFrom(start.slice(start.lastIndexOf('/') + 1).replace(/\.(iso|zip|tar(\.\w+)?|tgz)$/i, ''))
  throw new Error(
    `${name}: no family of systems was recognised in it. If it has a kernel and an initrd, unpack it and add them: ` +
      commandByHand(entries, word),
  )
}

type Found = { layout: Layout; files: string }

/** A layout with its files; `several` if different files are for the same machines. */
async function findOne(entries: Entry[], readText: ReadText): Promise<Found | 'several' | undefined> {
  const layout = await findLayout(entries, readText)
  if (layout === undefined) return undefined
  const reals = new Map(entries.map(({ path, real }) => [path, real ?? path]))
  const seen = new Map<string, string>()
  const variants: Layout['variants'] = []
  for (const variant of layout.variants) {
    const key = `${variant.arch} ${variant.platform ?? ''}`
    const files = pathsOf(variant).map((path) => reals.get(path) ?? path)
    const before = seen.get(key)
    if (before === undefined) variants.push(variant)
    else if (before !== files.join('\n')) return 'several'
    seen.set(key, files.join('\n'))
  }
  return { layout: { ...layout, variants }, files: [...seen.values()].join('\n') }
}

/** Whether a layout is in a top folder, so that other systems may be beside it. */
async function isOfFolder({ layout }: Found, entries: Entry[], readText: ReadText): Promise<boolean> {
  const tops = new Set(layout.variants.flatMap(pathsOf).map((path) => path.slice(0, path.indexOf('/') + 1)))
  const [top = ''] = tops
  if (tops.size !== 1 || top === '') return false
  const inside = await findOne(inFolder(entries, top), (path) => readText(`${top}${path}`))
  return inside === 'several' || inside?.layout.family === layout.family
}

/** The entries below a folder, whose name ends in a slash, with their paths there. */
function inFolder(entries: Entry[], start: string): Entry[] {
  return entries
    .filter(({ path }) => path.startsWith(start))
    .map((entry) => ({ ...entry, path: entry.path.slice(start.length), real: entry.real ?? entry.path }))
}

const maxFolders = 300
const maxDepth = 5
const maxChoices = 10
/** Many folders of a disc contain single programs. */
const tooCommon = ['efi', 'memtest', 'disc']

/** The topmost folders that contain a separate system. If links make folders equal, the first one counts. */
async function foldersWithLayouts(entries: Entry[], readText: ReadText): Promise<string[]> {
  const found = new Map<string, string>()
  let looked = 0
  const lookBelow = async (prefix: string, inside: Entry[], depth: number): Promise<void> => {
    const below = inside.map(({ path }) => path.slice(0, path.indexOf('/', prefix.length) + 1))
    for (const start of new Set(below.filter((folder) => folder.length > prefix.length))) {
      if (found.size >= maxChoices || ++looked > maxFolders) return
      const those = inside.filter(({ path }) => path.startsWith(start))
      const own = inFolder(those, start)
      const readOwn: ReadText = (path) => readText(`${start}${path}`)
      const candidate = await findOne(own, readOwn)
      const isOne =
        candidate !== undefined &&
        candidate !== 'several' &&
        !tooCommon.includes(candidate.layout.family) &&
        candidate.files !== ''
      if (!isOne || (await isOfFolder(candidate, own, readOwn))) {
        if (depth < maxDepth) await lookBelow(start, those, depth + 1)
      } else if (!found.has(candidate.files)) found.set(candidate.files, start.slice(0, -1))
    }
  }
  await lookBelow('', entries, 1)
  return [...found.values()]
}
