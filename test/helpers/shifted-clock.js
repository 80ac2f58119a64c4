// Loaded into a process before its program (node --import): its clock is off by CLOCK_SHIFT_MS, as on a host whose clock was
// set, or is wrong. The embedded database takes its time from the same clock.
const shiftMs = Number(process.env.CLOCK_SHIFT_MS)
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor(...values) {
    if (values.length === 0) super(RealDate.now() + shiftMs)
    else super(...values)
  }

  static now() {
    return RealDate.now() + shiftMs
  }
}
