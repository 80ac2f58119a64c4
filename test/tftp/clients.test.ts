import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from 'tftp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasTool } from '../helpers/needs.ts'
import { startRelay } from './relay.ts'
import { carriers, content, outcomes } from './serve.ts'

describe.each(carriers)('over %s:', (_, serve) => {
  const run = promisify(execFile)

  const files = { 'snponly.efi': content(300_000), 'dir/exact.img': content(1024 * 20), empty: Buffer.alloc(0) }

  type Fetch = (port: number, name: string, local: string) => Promise<unknown>

  const programs: [name: string, tool: string, debianPackage: string, fetch: Fetch][] = [
    ['curl', 'curl', 'curl', (port, name, local) => curl(port, name, local)],
    [
      'curl, block size 1428',
      'curl',
      'curl',
      (port, name, local) => curl(port, name, local, ['--tftp-blksize', '1428']),
    ],
    ['curl without options', 'curl', 'curl', (port, name, local) => curl(port, name, local, ['--tftp-no-options'])],
    [
      'tftp-hpa',
      'tftp',
      'tftp-hpa',
      (port, name, local) => limited('tftp', ['-m', 'binary', '127.0.0.1', `${port}`, '-c', 'get', name, local]),
    ],
    [
      'atftp',
      'atftp',
      'atftp',
      (port, name, local) => limited('atftp', ['-g', '-r', name, '-l', local, '127.0.0.1', `${port}`]),
    ],
    [
      'atftp, window 8 and block size 1024',
      'atftp',
      'atftp',
      (port, name, local) => {
        const options = ['--option', 'windowsize 8', '--option', 'blksize 1024', '--option', 'tsize']
        return limited('atftp', [...options, '-g', '-r', name, '-l', local, '127.0.0.1', `${port}`])
      },
    ],
    [
      'busybox',
      'busybox',
      'busybox',
      (port, name, local) =>
        limited('busybox', ['tftp', '-b', '1432', '-g', '-r', name, '-l', local, '127.0.0.1', `${port}`]),
    ],
  ]

  const packageFetch =
    (windowSize: number): Fetch =>
    (port, name, local) =>
      new Promise<void>((resolve, reject) => {
        const client = createClient({ host: '127.0.0.1', port, windowSize, timeout: 500 })
        client.get(name, local, (error) => (error ? reject(error) : resolve()))
      })

  function limited(program: string, parts: string[]) {
    return run(program, parts, { timeout: 15_000 })
  }

  function curl(port: number, name: string, local: string, parts: string[] = []) {
    return limited('curl', ['-sS', '-o', local, ...parts, `tftp://127.0.0.1:${port}/${name}`])
  }

  function localFile(): string {
    const folder = mkdtempSync(join(tmpdir(), 'bootwright-tftp-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return join(folder, 'fetched')
  }

  async function fetchesWhole(fetch: Fetch, name: keyof typeof files) {
    const { server, records } = await serve(files)
    const local = localFile()
    await fetch(server.port, name, local)
    expect(readFileSync(local).equals(files[name])).toBe(true)
    await outcomes(records, 1)
    expect(records).toMatchObject([{ file: name, bytes: files[name].length, outcome: 'complete' }])
    expect(server.transfers()).toBe(0)
  }

  describe.each(programs)('%s', (_, tool, debianPackage, fetch) => {
    const present = hasTool(tool, debianPackage)
    test.runIf(present)('fetches a file', () => fetchesWhole(fetch, 'snponly.efi'))
    test.runIf(present)('fetches a file whose last block is empty', () => fetchesWhole(fetch, 'dir/exact.img'))
    test.runIf(present)('fetches a file beside another client, with 1 % of the datagrams duplicated', async () => {
      const { server } = await serve(files)
      const port = await startRelay(server.port, { twice: 0.01 })
      const locals = [localFile(), localFile()]
      await Promise.all(locals.map((local) => fetch(port, 'snponly.efi', local)))
      for (const local of locals) expect(readFileSync(local).equals(files['snponly.efi'])).toBe(true)
    })
  })

  describe.each([1, 4])('the npm package tftp as a client, window %i', (windowSize) => {
    const fetch = packageFetch(windowSize)
    test.each(['snponly.efi', 'dir/exact.img', 'empty'] as const)('fetches %s', (name) => fetchesWhole(fetch, name))
    test('gets an error for a missing file', async () => {
      const { server, records } = await serve(files)
      await expect(fetch(server.port, 'nothing', localFile())).rejects.toThrow('There is no such file')
      expect(await outcomes(records, 1)).toEqual(['not-found'])
    })
  })
})
