import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { openZeroCopy } from '../../../src/bytes/send/zero-copy.ts'

const zeroCopy = openZeroCopy()

test.skipIf(process.platform !== 'linux')('is there on Linux', () => expect(zeroCopy).toBeDefined())

test.skipIf(process.platform !== 'linux')(
  'loads for more readers at once than the system calls that may be under way',
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
  'writes into no memory but its own, whatever is collected while the kernel reads',
  async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const path = join(tmpdir(), `bootwright-memory-${process.pid}`)
    writeFileSync(path, Buffer.alloc(2 ** 26))
    const file = openSync(path, 'r')
    // As large as what the kernel writes back: where the memory of a collected offset is given out again, it is one of these.
    const others: Buffer[] = []
    for (let round = 0; round < 100; round++) {
      for (let load = 0; load < 3; load++) zeroCopy?.loadAhead(file, 0, 2 ** 26)
      collect()
      for (let one = 0; one < 100; one++) others.push(Buffer.allocUnsafeSlow(8).fill(0xaa))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    expect(others.filter((one) => one.some((byte) => byte !== 0xaa)).length).toBe(0)
    closeSync(file)
    rmSync(path)
  },
)
