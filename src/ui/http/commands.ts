// The equivalents of a page for a shell: curl and the command line.
/** The same request with curl, and as a command line where there is one. */
export type Command = {
  /** A verb and its object: `List machines`. */
  title: string
  method?: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
  /** Below `/api/v1`, with its query. */
  path: string
  body?: unknown
  /** Without the program's name: `machine list --image debian-12`. */
  cli?: string
}

export type CommandLines = { title: string; curl: string; cli: string | undefined }

/** The lines to copy. @param origin `http://host:port` at which the browser reached the page */
export function commandLines(
  { title, method = 'GET', path, body, cli }: Command,
  origin: string,
  program: string,
): CommandLines {
  const parts = [
    'curl',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    '-H "Authorization: Bearer $BOOTWRIGHT_TOKEN"',
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${shellQuote(JSON.stringify(body))}`]),
    shellQuote(`${origin}/api/v1${path}`),
  ]
  return { title, curl: parts.join(' '), cli: cli && `${program} ${cli}` }
}

/** A word for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
