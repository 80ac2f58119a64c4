// Maintenance windows: times of day in a named time zone.

/**
 * A window of every day, as a clock on the wall there shows it. `from` and `to` are `HH:MM`, and the window may pass midnight.
 * `zone` is a name of the IANA time zone database. An hour that daylight saving time repeats is inside twice. A window inside the
 * hour that it leaves out does not open on that day.
 */
export type Window = { from: string; to: string; zone: string }

const minuteMs = 60_000
const dayMinutes = 24 * 60
/** Time zones change by at most three hours at once. */
const maxShiftMinutes = 180

/** Whether the time zone database of this program has a zone with that name. */
export function isTimeZone(name: string): boolean {
  // The constructor also accepts offsets such as +02:00, which have no daylight saving time.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(name)) return false
  try {
    clockOf(name)
    return true
  } catch {
    return false
  }
}

/** Whether the window is open at a moment. */
export function isWindowOpen(window: Window, at: Date): boolean {
  return isInside(window, clockOf(window.zone)(at))
}

/** When the window opens next: `at` itself if it is open. Undefined if it does not open within a week. */
export function nextOpening(window: Window, at: Date): Date | undefined {
  return nextChange(window, at, true)
}

/** When the window closes next: `at` itself if it is closed. */
export function nextClosing(window: Window, at: Date): Date | undefined {
  return nextChange(window, at, false)
}

function nextChange(window: Window, at: Date, open: boolean): Date | undefined {
  const minuteAt = clockOf(window.zone)
  if (isInside(window, minuteAt(at)) === open) return at
  const edge = minutesOf(open ? window.from : window.to)
  const end = at.getTime() + 7 * dayMinutes * minuteMs
  for (let time = Math.floor(at.getTime() / minuteMs) * minuteMs + minuteMs; time <= end; ) {
    const minute = minuteAt(new Date(time))
    if (isInside(window, minute) === open) return new Date(time)
    const left = (edge - minute + dayMinutes) % dayMinutes
    time += Math.max(1, left - maxShiftMinutes) * minuteMs
  }
  return undefined
}

function isInside({ from, to }: Window, minute: number): boolean {
  const [begin, end] = [minutesOf(from), minutesOf(to)]
  return begin < end ? minute >= begin && minute < end : minute >= begin || minute < end
}

/** The minutes since midnight of `HH:MM`. */
function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

/** The minutes since midnight on a wall clock in a zone. */
function clockOf(zone: string): (at: Date) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (at) => minutesOf(format.format(at))
}

/** `22:00-04:00 Europe/Berlin`. */
export function formatWindow({ from, to, zone }: Window): string {
  return `${from}-${to} ${zone}`
}

/** The times of `22:00-04:00`; undefined for anything but two different times of day. */
export function parseTimes(text: string): Pick<Window, 'from' | 'to'> | undefined {
  const [, from = '', to = ''] = /^((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)$/.exec(text) ?? []
  return from === to ? undefined : { from, to }
}
