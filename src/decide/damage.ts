import { LRUCache } from 'lru-cache'
import type { FileDeps } from '../boot/files.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import { sizeFault } from '../inventory/images/files.ts'
import { messageOf } from '../lib/errors.ts'
import { inTime } from '../lib/in-time.ts'
import type { DamagedFile } from '../model/catalog.ts'
import type { Decision, Situation } from '../model/decision.ts'
import { type FileRef, filesOf, findVariant, type Variant } from '../model/image.ts'
import { damagedVariant } from './boot-spec.ts'

type DamageDeps = Pick<FileDeps, 'store' | 'findServable' | 'noteDamage' | 'log'> & { findSize: FindSize }

/** Gives the size of a stored file; undefined when the store does not say it in time. Never throws. */
export type FindSize = (sha256: string) => Promise<{ sizeBytes: number | undefined } | undefined>

/** The look-up for scripts: what many ask at once is asked of the store once, and kept for a moment. */
export function createFindSize(store: Pick<FileStore, 'size'>, { keptMs = 2000, patienceMs = 1000 } = {}): FindSize {
  const sizes = new LRUCache<string, { sizeBytes: number | undefined }>({
    max: 8192,
    ttl: keptMs,
    fetchMethod: async (sha256) => {
      const size = store.size(sha256).then((sizeBytes) => ({ sizeBytes }))
      return inTime(size, patienceMs).catch(() => undefined)
    },
  })
  return (sha256) => sizes.fetch(sha256)
}

/** An installer's tree may have thousands of files; the rest is looked at when it is asked for. */
const mostFiles = 64

/**
 * What was decided, unless a file of it has another size than was stored, or is gone: then a refusal that says so, before the
 * machine begins to load what would fail half-way.
 * @param note whether the damage is recorded: then all machines are refused, and operators are told
 */
export async function refuseDamaged(
  deps: DamageDeps,
  decision: Decision,
  { catalog }: Situation,
  note: boolean,
): Promise<Decision> {
  const { image, target, spec, reasons } = decision
  if (image === undefined || spec.kind === 'refusal') return decision
  const variant = findVariant(catalog.images.get(image.name)?.variants ?? [], target)
  const damaged = variant && (await findDamaged(deps, variant, note))
  if (variant === undefined || damaged === undefined) return decision
  const { reason, spec: refused } = damagedVariant(image, variant, damaged)
  const others = reasons.filter(({ candidate }) => candidate !== reason.candidate)
  return { ...decision, spec: refused, reasons: [...others, reason] }
}

async function findDamaged(deps: DamageDeps, variant: Variant, note: boolean): Promise<DamagedFile | undefined> {
  const found = await Promise.all(
    filesOf(variant)
      .slice(0, mostFiles)
      .map((file) => damageOf(deps, file, note)),
  )
  return found.find((one) => one !== undefined)
}

async function damageOf(
  { findServable, findSize, noteDamage, log }: DamageDeps,
  { sha256, name }: FileRef,
  note: boolean,
): Promise<DamagedFile | undefined> {
  const [known, stored] = await Promise.all([findServable(sha256), findSize(sha256)])
  // Nobody answered: what is wrong is found when the file is asked for.
  if (known === undefined || stored === undefined) return undefined
  const damage = known.damage ?? sizeFault(known.sizeBytes, stored.sizeBytes)
  if (damage === undefined) return undefined
  if (note && known.damage === null) {
    log.error({ file: name, sha256, damage }, 'a stored file is damaged')
    await noteDamage(sha256, damage).catch((error: unknown) =>
      log.error({ sha256, error: messageOf(error) }, 'the damage was not recorded'),
    )
  }
  return { name, damage }
}
