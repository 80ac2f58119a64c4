// The differences between two versions of documents, line by line.
type Document = { name: string; text: string }

/** A line, and whether it is only in the old version (`-`), only in the new one (`+`), or in both (a space). */
export type DiffLine = { sign: '-' | '+' | ' '; text: string }

const context = 2
const maxLines = 2000

/** The documents that differ, with their differing lines and some lines around them. */
export function lineDifferences(before: Document[], after: Document[]): { name: string; lines: DiffLine[] }[] {
  const textOf = (documents: Document[], name: string) => documents.find((document) => document.name === name)?.text
  return [...new Set([...before, ...after].map(({ name }) => name))].flatMap((name) => {
    const [old, now] = [textOf(before, name) ?? '', textOf(after, name) ?? '']
    return old === now ? [] : [{ name, lines: nearChanges(diffLines(old.split('\n'), now.split('\n'))) }]
  })
}

/** By the longest common subsequence, after the equal lines at both ends. */
export function diffLines(old: string[], now: string[]): DiffLine[] {
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1
  let end = 0
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1
  const same = (lines: string[]): DiffLine[] => lines.map((text) => ({ sign: ' ', text }))
  const [a, b] = [old.slice(start, old.length - end), now.slice(start, now.length - end)]
  return [...same(old.slice(0, start)), ...diffMiddle(a, b), ...same(old.slice(old.length - end))]
}

function diffMiddle(a: string[], b: string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ sign: '-', text })
  const added = (text: string): DiffLine => ({ sign: '+', text })
  if (a.length * b.length > maxLines * maxLines) return [...a.map(removed), ...b.map(added)]
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const [x, y] = [a[i], b[j]]
    if (x !== undefined && x === y) {
      lines.push({ sign: ' ', text: x })
      i += 1
      j += 1
    } else if (x !== undefined && (y === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(removed(x))
      i += 1
    } else {
      lines.push(added(y ?? ''))
      j += 1
    }
  }
  return lines
}

function nearChanges(lines: DiffLine[]): DiffLine[] {
  const isNear = (index: number) =>
    lines.slice(Math.max(0, index - context), index + context + 1).some(({ sign }) => sign !== ' ')
  return lines.filter((_, index) => isNear(index))
}
