// The chart of the last ten minutes. Its figures come with the page, and with each live update.

/** @typedef {{ until: number, step: number, http: number[], tftp: number[] }} Chart */

const area = /** @type {HTMLElement} */ (document.getElementById('throughput'))
const height = 130
/** @type {import('uplot') | undefined} */
let chart

/** @type {typeof import('uplot')} */
const Plot = Reflect.get(globalThis, 'uPlot')

/** @returns {[number[], number[], number[]]} */
function figures() {
  const text = document.getElementById('throughput-words')?.dataset.chart ?? '{}'
  const { until, step, http, tftp } = /** @type {Chart} */ (JSON.parse(text))
  return [http.map((_, index) => until - (http.length - 1 - index) * step), http, tftp]
}

/** @param {number} value */
function speed(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const place = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  return `${Number((value / 1000 ** place).toFixed(1))} ${units[place]}/s`
}

/** @param {number} seconds */
function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
}

function draw() {
  chart?.destroy()
  const style = getComputedStyle(document.documentElement)
  /** @param {string} name */
  const color = (name) => style.getPropertyValue(name).trim()
  const axis = { stroke: color('--pico-color'), grid: { stroke: color('--pico-muted-border-color'), width: 1 } }
  /** @param {string} label @param {string} stroke */
  const series = (label, stroke) => ({
    label,
    stroke: color(stroke),
    width: 1.5,
    /** @param {unknown} _ @param {number | null} value */
    value: (_, value) => (value === null ? '' : speed(value)),
  })
  chart = new Plot(
    {
      width: Math.max(200, area.clientWidth),
      height,
      legend: { show: true },
      cursor: { y: false },
      scales: { y: { range: (_, __, max) => [0, Math.max(1000, max * 1.1)] } },
      axes: [
        { ...axis, values: (_, seconds) => seconds.map(clock) },
        { ...axis, size: 70, values: (_, values) => values.map((value) => speed(value)) },
      ],
      series: [{ value: '{HH}:{mm}:{ss}' }, series('HTTP', '--busy'), series('TFTP', '--warn')],
    },
    figures(),
    area,
  )
}

draw()
new ResizeObserver(() => {
  if (chart !== undefined && Math.abs(chart.width - area.clientWidth) > 1)
    chart.setSize({ width: Math.max(200, area.clientWidth), height })
}).observe(area)
document.getElementById('now')?.addEventListener('htmx:sse:after:message', () => chart?.setData(figures()))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
