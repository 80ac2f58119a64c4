// The speed of a step of an import.

/** The bytes of a step at a time in milliseconds. */
type Sample = { doing: string; bytes: number; total: number | null; atMs: number }

/** Long enough for the bursts of a download, short enough to show that it stalls. */
const windowMs = 10_000

/** Creates a function that notes the progress of a step, and returns its speed in bytes per second, or null at its beginning. */
export function createSpeed(): (sample: Sample) => number | null {
  let samples: Sample[] = []
  return (sample) => {
    const last = samples.at(-1)
    if (last === undefined || isOtherStep(last, sample)) samples = []
    samples.push(sample)
    // The newest sample outside of the window is the base line.
    while ((samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= sample.atMs - windowMs) samples.shift()
    const [first] = samples
    if (first === undefined || sample.atMs - first.atMs < 500) return null
    return Math.round(((sample.bytes - first.bytes) * 1000) / (sample.atMs - first.atMs))
  }
}

/** `unpacking a` and `unpacking b` are one step with one total. A download that starts again has fewer bytes than before. */
function isOtherStep(a: Sample, b: Sample): boolean {
  const verbOf = ({ doing }: Sample) => doing.split(' ')[0]
  return verbOf(a) !== verbOf(b) || a.total !== b.total || a.bytes > b.bytes
}
