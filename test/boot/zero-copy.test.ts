import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openZeroCopy } from '../../src/boot/zero-copy.ts'

const zeroCopy = openZeroCopy()

it.skipIf(zeroCopy === undefined)(
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
