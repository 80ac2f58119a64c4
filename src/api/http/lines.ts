// The lines of an upload, numbered and bounded.
/** No row of an upload is longer. */
export const mostRowBytes = 256 * 1024

/** A line of a text, from 1; without its text when that is longer than it may be. */
export type Line = { line: number; text: string | undefined }

/** The lines of a stream of bytes in UTF-8; what is no UTF-8 becomes U+FFFD. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let sizeBytes = 0
  let line = 0
  const take = (): Line => {
    const text = sizeBytes > mostBytes ? undefined : Buffer.concat(parts).toString('utf8')
    parts = []
    sizeBytes = 0
    line += 1
    return { line, text: line === 1 ? text?.replace(/^\ufeff/, '') : text }
  }
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let from = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      add(bytes.subarray(from, end))
      yield take()
      from = end + 1
    }
    add(bytes.subarray(from))
  }
  if (sizeBytes > 0) yield take()

  function add(bytes: Buffer): void {
    sizeBytes += bytes.length
    if (sizeBytes <= mostBytes) parts.push(bytes)
  }
}
