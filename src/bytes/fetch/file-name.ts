// File names derived from URLs and paths.

/**
 * The last part of a path or URL, as a name that a file can be served under. In scripts and URLs a space or a % has a meaning,
 * so an underscore replaces such characters.
 */
export function fileNameOf(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1)
  const name = last.replaceAll(/%[0-9a-f]{2}|[^A-Za-z0-9._-]/gi, '_').replace(/^[^A-Za-z0-9]+/, '')
  return name === '' ? 'file' : name.slice(-100)
}
