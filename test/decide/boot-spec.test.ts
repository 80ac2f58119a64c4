import { expect, test } from 'vitest'
import { catalogOf, decisionFor, linux, situationOf } from '../helpers/decide.ts'

const variants = [linux('x86_64'), linux('arm64')]
const policy = { kind: 'image' as const, image: 'debian' }

test('a variant with a missing or damaged file is refused with its code and a next step, and the other variants of the image boot', () => {
  const damaged = {
    name: 'vmlinuz',
    kind: 'missing' as const,
    damage: 'the file is missing in the store (seen 2026-11-24 12:00Z)',
  }
  const boots = (variant: number) =>
    decisionFor(
      situationOf({
        catalog: catalogOf({ policy, images: { debian: variants }, damaged: [[variants[variant] as never, damaged]] }),
      }),
    )
  const decision = boots(0)
  expect(decision.spec).toEqual({
    kind: 'refusal',
    code: 'BW-FILE-MISSING',
    reason:
      'file vmlinuz of image debian version 3 is damaged: the file is missing in the store (seen 2026-11-24 12:00Z)',
    nextStep: 'to upload it again: bootwright image add debian; to go back: bootwright image rollback debian',
  })
  const changed = catalogOf({
    policy,
    images: { debian: variants },
    damaged: [[variants[0] as never, { ...damaged, kind: 'changed' }]],
  })
  expect(decisionFor(situationOf({ catalog: changed })).spec).toMatchObject({ code: 'BW-FILE-DAMAGED' })
  expect(decision.image).toEqual({ name: 'debian', version: 3 })
  expect(decision.reasons.at(-1)).toEqual({
    candidate: 'variant x86_64 any platform of debian version 3',
    won: false,
    why: 'its file vmlinuz is damaged: the file is missing in the store (seen 2026-11-24 12:00Z)',
  })
  expect(boots(1).spec.kind).toBe('linux')
})

test('an image on its last day with updates has not reached its end of life', () => {
  const catalog = catalogOf({ policy, images: { debian: variants }, endsOfLife: { debian: '2026-11-24' } })
  expect(decisionFor(situationOf({ catalog, today: '2026-11-24' })).notices).toEqual([])
})

test.each([
  ['2026-11-25', '2026-11-24'],
  ['2027-01-01', '2026-12-31'],
])('on %s an image with its end of life on %s says so on the screen', (today, day) => {
  const catalog = catalogOf({ policy, images: { debian: variants }, endsOfLife: { debian: day } })
  const decision = decisionFor(situationOf({ catalog, today }))
  expect(decision.spec.kind).toBe('linux')
  expect(decision.notices).toEqual([
    `image debian reached end of life on ${day} and no longer receives security updates`,
  ])
})

test('an image before its end of life, or without one, has no notice', () => {
  const images = { debian: variants }
  const before = catalogOf({ policy, images, endsOfLife: { debian: '2026-11-24' } })
  expect(decisionFor(situationOf({ catalog: before, today: '2026-11-23' })).notices).toEqual([])
  expect(decisionFor(situationOf({ catalog: catalogOf({ policy, images }) })).notices).toEqual([])
})
