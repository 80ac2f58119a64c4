// The catalog in memory, with the versions that deployments name and the documents of running boots. Used by roster.ts.
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { Catalog, FileStatus } from '../../model/catalog.ts'
import type { Variant } from '../../model/image.ts'
import { type CatalogRows, catalogOf } from '../boots/catalog.ts'
import { type PinnedVersion, withVersion } from '../images/pinned-versions.ts'

/** A sealed secret of a machine or group. */
export type SealedSecret = { ownerKind: 'machine' | 'group'; owner: string; name: string; sealed: string }

/** A version of an answer file that is no longer current. */
export type OldDocuments = { name: string; version: number; documents: AnswerDocument[] }

/** The limit of versions of answer files that are no longer current, for boots that began with them. */
const maxOldDocuments = 200

/** Creates a holder of the newest catalog. */
export function createHeldCatalog() {
  let held: { rows: CatalogRows; catalog: Catalog; secretNames: Record<string, string[]> } | undefined
  const pins = new Map<string, PinnedVersion | undefined>()
  const made = new Map<string, Catalog>()
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
      held = { rows, catalog: catalogOf(rows), secretNames }
      // A change of any version raises the catalog's revision, so versions of an older catalog are not used.
      pins.clear()
      made.clear()
      for (const version of rows.pinned) pins.set(keyOf(version.image, version.version), version)
      for (const { name, version, documents: texts } of rows.answerFiles) addDocuments(name, version, texts)
    },
    /** The catalog with a version of an image; undefined if the version has to be added first. */
    withVersion: (name: string, version: number): Catalog | undefined => {
      const catalog = held?.catalog
      const image = catalog?.images.get(name)
      if (catalog === undefined || image === undefined || image.version === version) return catalog
      const key = keyOf(name, version)
      if (!pins.has(key)) return undefined
      const result = made.get(key) ?? withVersion(catalog, image, pins.get(key))
      made.set(key, result)
      return result
    },
    /** Adds a version of an image to the catalog of `rows`. `found` is undefined if the version does not exist. */
    addVersion: (rows: CatalogRows, name: string, version: number, found: PinnedVersion | undefined) => {
      if (held?.rows !== rows) return
      pins.set(keyOf(name, version), found)
      if (found !== undefined) rows.pinned.push(found)
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
      return image?.version === version ? image.variants : pins.get(keyOf(name, version))?.variants
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
