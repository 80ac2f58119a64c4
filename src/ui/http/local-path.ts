// Paths that a browser names, for redirects and links.

/** A path of this server; `/` for anything else, so that no link leads a signed-in person elsewhere. */
export function localPath(text: string | null | undefined): string {
  return text?.startsWith('/') && !/^\/[/\\]/.test(text) && !/[\x00-\x1f\\]/.test(text) ? text : '/'
}

/** The path of the previous page, for the link back. A path such as `//example.org` would lead to another host. */
export function pathOfReferer(referer: string | undefined): string {
  return referer !== undefined && URL.canParse(referer) ? localPath(new URL(referer).pathname) : '/'
}
