import { test } from 'vitest'
import { cutPower } from '../helpers/power-cuts.ts'
import { canMount } from '../helpers/power-disk.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'

test.runIf(canMount)('hundreds of power cuts lose nothing that was acknowledged', () =>
  cutPower(seeded('power cuts'), roundsOf(300)),
)
