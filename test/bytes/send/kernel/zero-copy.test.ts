import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { openZeroCopy } from '../../../../src/bytes/send/kernel/zero-copy.ts'

const zeroCopy = openZeroCopy()

test.skipIf(process.platform !== 'linux')('zero copy is available on Linux', () => expect(zeroCopy).toBeDefined())

test.skipIf(process.platform !== 'linux')(
  'zero copy loads for more concurrent readers than the maximum number of running system calls',
  async () => {
    const path = join(tmpdir(), `bootwright-zero-copy-${process.pid}`)
    writeFileSync(path, randomBytes(2 ** 16))
    const file = openSync(path, 'r')
    const loads = Array.from({ length: 2000 }, () => {
      zeroCopy?.loadAhead(file, 0, 2 ** 16)
      return zeroCopy?.load(file, 0, 2 ** 16)
    })
    expect(await Promise.allSettled(loads).then((all) => all.filter(({ status }) => status === 'rejected'))).toEqual([])
    closeSync(file)
    rmSync(path)
  },
)

test.skipIf(process.platform !== 'linux')(
  'the kernel writes only into memory of zero copy, even if garbage is collected meanwhile',
  async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const path = join(tmpdir(), `bootwright-memory-${process.pid}`)
    writeFileSync(path, Buffer.alloc(2 ** 26))
    const file = openSync(path, 'r')
    // Buffers of the size that the kernel writes: one of them would reuse the memory of a collected offset.
    const others: Buffer[] = []
    for (let round = 0; round < 100; round++) {
      for (let load = 0; load < 3; load++) zeroCopy?.loadAhead(file, 0, 2 ** 26)
      collect()
      for (let count = 0; count < 100; count++) others.push(Buffer.allocUnsafeSlow(8).fill(0xaa))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    expect(others.filter((buffer) => buffer.some((byte) => byte !== 0xaa)).length).toBe(0)
    closeSync(file)
    rmSync(path)
  },
)
