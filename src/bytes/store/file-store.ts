// The interface of a file store; folder-store.ts and s3-store.ts implement it.

/** A stored file, open for reading. The caller that opened it closes it. */
export type OpenFile = {
  sizeBytes: number
  /** Changes when the bytes are stored again, as for a damaged file. It separates the old from the new bytes in caches. */
  generation?: string
  /** Reads from `position` into the buffer and returns the number of bytes; 0 only at the end of the file. */
  read: (buffer: Buffer, position: number) => Promise<number>
  close: () => Promise<void>
  /** For a file on a local disk: its open descriptor, from which the kernel can send. */
  descriptor?: number
}

/** Image files, each named by the sha256 of its bytes: in a folder (folder-store.ts) or in an object store. */
export type FileStore = {
  /** Opens a file for reading; undefined if it is not stored. */
  open: (sha256: string) => Promise<OpenFile | undefined>
  /** The size of a file in bytes; undefined if it is not stored. */
  size: (sha256: string) => Promise<number | undefined>
  /**
   * Stores a stream of bytes under their hash. A failure leaves nothing behind.
   * @throws InputError if the bytes have another hash, or are more than `maxBytes`
   */
  put: (sha256: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number) => Promise<{ sizeBytes: number }>
  /** Moves a complete local file into the store. The caller has verified its hash and flushed it to disk. */
  putFile: (sha256: string, path: string) => Promise<void>
  /** Lists all stored files. */
  list: () => AsyncIterable<{ sha256: string; sizeBytes: number; storedAt: Date }>
  /** Removes a file, if it exists. Open readers can continue in a folder; in an object store their next read fails. */
  remove: (sha256: string) => Promise<void>
  /**
   * A URL from which machines can fetch a file for an hour without credentials. Absent: this server sends every byte.
   * @param contentType the Content-Type of the answer
   */
  urlFor?: (sha256: string, contentType: string) => Promise<string>
}
