import { test } from 'vitest'
import { cutPower } from '../helpers/power-cuts.ts'
import { canMount } from '../helpers/power-disk.ts'
import { seeded } from '../helpers/seeded.ts'

test.runIf(canMount)(
  'acknowledged changes, reports of machines and uploaded files survive a power cut',
  { timeout: 600_000 },
  () => cutPower(seeded('power cuts'), 3),
)
