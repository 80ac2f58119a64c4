import { expect, test } from 'vitest'
import { createThroughput } from '../../../src/lib/time/throughput.ts'

const start = 1_795_000_000_000

test('the chart has the bytes per second of each 5 s of the last ten minutes', () => {
  let at = start
  const throughput = createThroughput(() => at)
  for (let second = 0; second < 10; second++) {
    throughput.add(1000)
    at += 1000
  }
  const { points, until, ...chart } = throughput.chart()
  expect(chart).toEqual({ bytesPerSecond: 1000, stepSeconds: 5 })
  expect(until).toEqual(new Date(start + 10_000))
  expect(points).toHaveLength(120)
  expect(points.slice(-3)).toEqual([0, 1000, 1000])
})

test('bytes of the second that runs are not in the rate yet', () => {
  const throughput = createThroughput(() => start)
  throughput.add(1000)
  expect(throughput.chart().bytesPerSecond).toBe(0)
})

test('old bytes leave the chart, also after a long pause', () => {
  let at = start
  const throughput = createThroughput(() => at)
  throughput.add(5000)
  at += 600_000
  expect(throughput.chart().points[0]).toBe(1000)
  at += 5000
  expect(throughput.chart().points.every((point) => point === 0)).toBe(true)
  at += 24 * 3_600_000
  expect(throughput.chart().points.every((point) => point === 0)).toBe(true)
})
