import { expect, test } from 'vitest'
import { freeDescriptors, shareDescriptors } from '../../../src/server/http/descriptors.ts'

const asked = { bootConnections: 20_000, adminConnections: 1024, tftpTransfers: 1000 }

test('shareDescriptors returns the requested limits if many or unlimited descriptors are free', () => {
  expect(shareDescriptors(200_000, asked)).toEqual(asked)
  expect(shareDescriptors(Number.POSITIVE_INFINITY, asked)).toEqual(asked)
})

test.each([1, 40, 130, 260, 900, 3900, 19_800])(
  'shareDescriptors leaves some of %i descriptors to the database, even if every connection downloads a file',
  (free) => {
    const { bootConnections, adminConnections, tftpTransfers } = shareDescriptors(free, asked)
    for (const share of [bootConnections, adminConnections, tftpTransfers]) expect(share).toBeGreaterThanOrEqual(1)
    if (free < 40) return
    expect(free - 2 * bootConnections - adminConnections - tftpTransfers).toBeGreaterThanOrEqual(
      Math.min(512, free / 2),
    )
  },
)

test('freeDescriptors counts the files that this process may still open', async () => {
  const free = await freeDescriptors()
  expect(free).toBeGreaterThan(100)
})
