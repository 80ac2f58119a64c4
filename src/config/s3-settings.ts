// The settings of an object store, and the parser of its URL.

/** A bucket of an S3-compatible object store, and the credentials for it. */
export type S3Settings = BucketPlace & {
  region: string
  accessKey: string
  secretKey: string
  /** Whether machines download files directly from the store. */
  redirect: boolean
}

/** `endpoint` is `https://host[:port]`. Every key begins with `prefix`, which is empty or ends in a slash. */
export type BucketPlace = { endpoint: string; bucket: string; prefix: string }

/** Parses `https://host[:port]/bucket[/prefix]`; undefined for any other text, and for a URL with credentials. */
export function parseBucketUrl(text: string): BucketPlace | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
  if (url.username || url.password || url.search || url.hash) return undefined
  const [bucket = '', ...folders] = url.pathname.replace(/^\/|\/$/g, '').split('/')
  // The names that every store accepts (S3 User Guide, "Bucket naming rules").
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return undefined
  if (!folders.every((folder) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(folder))) return undefined
  return { endpoint: url.origin, bucket, prefix: folders.map((folder) => `${folder}/`).join('') }
}
