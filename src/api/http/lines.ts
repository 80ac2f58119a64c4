// The lines of an upload, numbered and limited in size.

/** The maximum size of a row in an upload. */
export const maxRowBytes = 256 * 1024

/** A line and its number, from 1. If the line is too long, its text is undefined. */
export type Line = { line: number; text: string | undefined }

/** Reads lines from a stream of UTF-8 bytes. Invalid bytes become U+FFFD. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let sizeBytes = 0
  let line = 0
  const take = (): Line => {
    const text = sizeBytes > maxBytes ? undefined : Buffer.concat(parts).toString('utf8')
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
    if (sizeBytes <= maxBytes) parts.push(bytes)
  }
}
