// File names made of URLs and paths.
/**
 * A name that a file can be served under, made of a path or URL's last part: it stands in scripts and URLs, where a space or a %
 * means something.
 */
export function fileNameOf(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1)
  const name = last.replaceAll(/%[0-9a-f]{2}|[^A-Za-z0-9._-]/gi, '_').replace(/^[^A-Za-z0-9]+/, '')
  return name === '' ? 'file' : name.slice(-100)
}
