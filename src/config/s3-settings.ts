/** A bucket of an S3-compatible object store, and who we are there. */
export type S3Settings = BucketPlace & {
  region: string
  accessKey: string
  secretKey: string
  /** True: machines fetch files from the store themselves. */
  redirect: boolean
}

/** `endpoint` is `https://host[:port]`; `prefix`, what every key begins with, is empty or ends in a slash. */
export type BucketPlace = { endpoint: string; bucket: string; prefix: string }

/** `https://host[:port]/bucket[/prefix]`; undefined for any other text. Credentials do not belong in it. */
export function parseBucketUrl(text: string): BucketPlace | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
  if (url.username || url.password || url.search || url.hash) return undefined
  const [bucket = '', ...folders] = url.pathname.replace(/^\/|\/$/g, '').split('/')
  // The names that every store takes (S3 User Guide, "Bucket naming rules").
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return undefined
  if (!folders.every((folder) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(folder))) return undefined
  return { endpoint: url.origin, bucket, prefix: folders.map((folder) => `${folder}/`).join('') }
}
