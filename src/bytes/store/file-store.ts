// The interface of a store of files; folder-store.ts and s3-store.ts implement it.
/** A stored file, open for reading. Whoever opened it closes it. */
export type OpenFile = {
  sizeBytes: number
  /** Another one after the bytes were stored anew, as those of a damaged file are: for what is kept of them in memory. */
  generation?: string
  /** Fills as much of the buffer as it can from `position`, and says how much; 0 only at the end of the file. */
  read: (buffer: Buffer, position: number) => Promise<number>
  close: () => Promise<void>
  /** Of a file on a disk of this machine: its open descriptor, which the kernel can send from. */
  descriptor?: number
}

/** Image files, each named by the sha256 of its bytes: in a folder (folder-store.ts) or in an object store. */
export type FileStore = {
  /** A file open for reading; undefined when it is not stored. */
  open: (sha256: string) => Promise<OpenFile | undefined>
  /** The file's size in bytes; undefined when it is not stored. */
  size: (sha256: string) => Promise<number | undefined>
  /**
   * Stores a stream of bytes under their hash; nothing is left behind when it fails.
   * @throws InputError when the bytes have another hash, or are more than `maxBytes`
   */
  put: (sha256: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number) => Promise<{ sizeBytes: number }>
  /** Takes over a whole file of this machine, whose hash is known and whose bytes are on disk; the path is gone afterwards. */
  putFile: (sha256: string, path: string) => Promise<void>
  /** Every stored file. */
  list: () => AsyncIterable<{ sha256: string; sizeBytes: number; storedAt: Date }>
  /** Removes a file, if it is there. Who has it open in a folder reads on; in an object store the next read fails. */
  remove: (sha256: string) => Promise<void>
  /**
   * Where machines can fetch a file themselves, for an hour and without credentials. Absent: every byte goes through this server.
   * @param contentType what the file's answer says that it is
   */
  urlFor?: (sha256: string, contentType: string) => Promise<string>
}
