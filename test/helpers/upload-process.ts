// The program of a process that stores bytes, and that a test kills in the middle. Prints a line after the first bytes.
import { createHash } from 'node:crypto'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import { openS3Store } from '../../src/bytes/store/s3-store.ts'
import { filesFolder } from '../../src/config/data-folder.ts'

const { folder, s3, sizeBytes, endless } = JSON.parse(process.argv[2] ?? '{}')
const files = filesFolder(folder)
const piece = Buffer.alloc(2 ** 20, 'x')
const hash = createHash('sha256')
for (let done = 0; done < sizeBytes; done += piece.length) hash.update(piece)

const store = s3 === undefined ? await openFolderStore(files) : await openS3Store(s3, files)
await store.put(hash.digest('hex'), bytes(), sizeBytes)

async function* bytes() {
  for (let done = 0; done < sizeBytes; done += piece.length) {
    // The timer only keeps the process alive.
    if (endless && done >= sizeBytes / 2) await new Promise((resolve) => setTimeout(resolve, 60_000))
    yield piece
    if (done === 0) console.log('begun')
  }
}
