import { describe, expect, test } from 'vitest'
import { differencesOf } from '../../../src/ui/changes/differences.ts'

describe('the differences of a change', () => {
  test('name each field by its path, and leave out what stayed', () => {
    const before = { hostname: 'web', labels: { rack: 'b4', row: '2' }, macs: ['a', 'b'], denied: false }
    const after = {
      hostname: 'web',
      labels: { rack: 'c9' },
      macs: ['a'],
      denied: true,
      assignment: { image: 'debian' },
    }
    expect(differencesOf({ before, after })).toEqual([
      { field: 'labels.rack', before: 'b4', after: 'c9' },
      { field: 'labels.row', before: '2' },
      { field: 'macs', before: 'a b', after: 'a' },
      { field: 'denied', before: 'false', after: 'true' },
      { field: 'assignment.image', after: 'debian' },
    ])
  })

  test('of something new or deleted are its fields, without the empty ones', () => {
    const value = { name: 'a', note: null, tags: [], entries: [{ kind: 'local' }] }
    const fields = [
      { field: 'name', after: 'a' },
      { field: 'entries[0].kind', after: 'local' },
    ]
    expect(differencesOf({ after: value })).toEqual(fields)
    expect(differencesOf({ before: value })).toEqual(fields.map(({ field, after }) => ({ field, before: after })))
  })

  test('of plain values have no field', () => {
    expect(differencesOf({ before: 'old', after: 'new' })).toEqual([{ field: 'value', before: 'old', after: 'new' }])
    expect(differencesOf({})).toEqual([])
  })
})
