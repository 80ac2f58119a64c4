// The catalog in memory, with the pinned versions of images and the documents of running boots. Used by roster.ts.
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { Catalog, CatalogVersion, DamagedFile, FileStatus } from '../../model/catalog.ts'
import { formatImageRef, type ImageRef, type Variant } from '../../model/image.ts'
import { type CatalogRows, catalogOf, damagedVariants } from '../boots/catalog.ts'

/** A sealed secret of a machine or group. */
export type SealedSecret = { ownerKind: 'machine' | 'group'; owner: string; name: string; sealed: string }

/** A version of an answer file that is no longer current. */
export type OldDocuments = { name: string; version: number; documents: AnswerDocument[] }

/** The limit of versions of answer files that are no longer current, for boots that began with them. */
const maxOldDocuments = 200

type HeldCatalog = {
  rows: CatalogRows
  catalog: Catalog
  secretNames: Record<string, string[]>
  /** The pinned versions and the damaged variants of `catalog`, to which later pins are added. */
  versions: Map<string, CatalogVersion>
  damaged: Map<Variant, DamagedFile>
  /** Pinned versions that do not exist. */
  missing: Set<string>
}

/** Creates a holder of the newest catalog. */
export function createHeldCatalog() {
  let held: HeldCatalog | undefined
  const documents = new Map<string, AnswerDocument[]>()
  const keyOf = (name: string, version: number) => `${name} ${version}`
  const addDocuments = (name: string, version: number, texts: AnswerDocument[]) => {
    documents.delete(keyOf(name, version))
    documents.set(keyOf(name, version), texts)
    const [oldest = ''] = documents.keys()
    if (documents.size > maxOldDocuments + (held?.rows.answerFiles.length ?? 0)) documents.delete(oldest)
  }
  return {
    get: () => held,
    set: (rows: CatalogRows) => {
      const secretNames: Record<string, string[]> = {}
      for (const { owner, name } of rows.groupSecrets) secretNames[owner] = [...(secretNames[owner] ?? []), name]
      // A change of any version raises the catalog's revision, so versions of an older catalog are not used.
      const catalog = catalogOf(rows)
      held = {
        ...{ rows, catalog, secretNames, missing: new Set() },
        ...{ versions: new Map(catalog.versions), damaged: new Map(catalog.damaged) },
      }
      held.catalog = { ...catalog, versions: held.versions, damaged: held.damaged }
      for (const { name, version, documents: texts } of rows.answerFiles) addDocuments(name, version, texts)
    },
    /** Whether a pinned version is in memory, or known to be missing. */
    hasVersion: ({ image: name, version }: ImageRef): boolean => {
      const image = held?.catalog.images.get(name)
      if (held === undefined || image === undefined || version === undefined || image.version === version) return true
      const key = formatImageRef({ image: name, version })
      return held.versions.has(key) || held.missing.has(key)
    },
    /** Adds a version of an image to the catalog of `rows`. `found` is undefined if the version does not exist. */
    addVersion: (rows: CatalogRows, ref: ImageRef, found: CatalogVersion | undefined) => {
      if (held?.rows !== rows) return
      const key = formatImageRef(ref)
      if (found === undefined) {
        held.missing.add(key)
        return
      }
      held.versions.set(key, found)
      for (const [variant, file] of damagedVariants([found], rows.damagedFiles)) held.damaged.set(variant, file)
      rows.pinned.push(found)
    },
    addDocuments,
    /** The documents of a version of an answer file. */
    documentsOf: (name: string, version: number) => documents.get(keyOf(name, version)),
    /** The documents that are not a part of the catalog. */
    oldDocuments: (): OldDocuments[] => {
      const current = new Set(held?.rows.answerFiles.map(({ name, version }) => keyOf(name, version)))
      const old = [...documents].filter(([key]) => !current.has(key))
      return old.map(([key, texts]) => {
        const [name = '', version] = key.split(' ')
        return { name, version: Number(version), documents: texts }
      })
    },
    /** The variants of a version of an image, if it is in memory. */
    variantsOf: (name: string, version: number): Variant[] | undefined => {
      const image = held?.catalog.images.get(name)
      return image?.version === version
        ? image.variants
        : held?.versions.get(formatImageRef({ image: name, version }))?.variants
    },
    /** A damaged file. */
    damagedFile: (sha256: string): FileStatus | undefined =>
      held?.rows.damagedFiles.find((file) => file.sha256 === sha256),
    /** The sealed secrets of groups. */
    secretsOf: (groups: string[]): SealedSecret[] =>
      (held?.rows.groupSecrets ?? [])
        .filter(({ owner }) => groups.includes(owner))
        .map((secret) => ({ ownerKind: 'group', ...secret })),
  }
}
