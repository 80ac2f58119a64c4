import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFolderStore } from '../../../src/bytes/store/folder-store.ts'
import { openS3Store } from '../../../src/bytes/store/s3-store.ts'
import { filesFolder } from '../../../src/config/data-folder.ts'
import { getAsIpxe, startTestBootServer } from '../../helpers/boot-server.ts'

const unknown = 'a'.repeat(64)

test('a folder that is away is a fault of the store, and of no file', async () => {
  const server = await startTestBootServer()
  const { sha256 } = await server.addFile('initrd.gz', randomBytes(1000))
  const url = `${server.url}/files/${sha256}/initrd.gz`
  await rename(server.folder, `${server.folder}-away`)
  const response = await fetch(url)
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
  await rename(`${server.folder}-away`, server.folder)
  expect((await getAsIpxe(url)).length).toBeGreaterThan(0)
  const store = await openFolderStore(filesFolder(server.folder))
  expect([await store.size(unknown), await store.open(unknown)]).toEqual([undefined, undefined])
  await server.stop()
})

// What a proxy says when nothing is behind it; a store says it in XML.
test('an object store that is away behind its proxy has lost nothing', async () => {
  let away = false
  const empty = '<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>'
  const proxy = createServer(({ url = '' }, response) => {
    if (away) response.writeHead(404).end('404 page not found\n')
    else if (url.includes('list-type')) response.writeHead(200, { 'Content-Type': 'application/xml' }).end(empty)
    else response.writeHead(404).end()
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-away-'))
  const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const who = { region: 'us-east-1', accessKey: 'a', secretKey: 'b', redirect: false }
  const store = await openS3Store({ endpoint, bucket: 'files', prefix: '', ...who }, filesFolder(folder))
  expect(await store.size(unknown)).toBeUndefined()
  away = true
  await expect(store.size(unknown)).rejects.toThrow(/object store/)
  await expect(store.open(unknown)).rejects.toThrow(/object store/)
  proxy.closeAllConnections()
  proxy.close()
  await rm(folder, { recursive: true })
})
