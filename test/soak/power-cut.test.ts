import { test } from 'vitest'
import { cutPower } from '../helpers/power-cuts.ts'
import { canMount } from '../helpers/power-disk.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'

test.runIf(canMount)('acknowledged changes survive hundreds of power cuts', () =>
  cutPower(seeded('power cuts'), roundsOf(300)),
)
