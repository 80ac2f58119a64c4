// Loaded into a process before its program (node --import): its clock is off by CLOCK_SHIFT_MS, as on a host whose clock was
// set, or is wrong. The embedded database takes its time from the same clock.
const shiftMs = Number(process.env.CLOCK_SHIFT_MS)
const RealDate = Date
const now = () => RealDate.now() + shiftMs

globalThis.Date = new Proxy(RealDate, {
  construct: (target, values, newTarget) =>
    Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
