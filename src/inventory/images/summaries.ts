// Images in brief: their sizes, and how many things name each of them.
import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { Arch } from '../../model/arch.ts'
import type { Variant } from '../../model/image.ts'

/** How many things name an image. `assigned`: machines whose own assignment names it. `deployments`: those that are active. */
export type ReferenceCounts = {
  assigned: number
  groups: number
  menus: number
  policy: boolean
  deployments: number
}

export type ImageSummary = {
  name: string
  title: string
  version: number
  /** The highest version; higher than `version` if there is a draft, or after a rollback. */
  newestVersion: number
  versions: number
  archs: Arch[]
  kinds: Variant['kind'][]
  /** The size of all files of the current version. */
  sizeBytes: number
  /** The number of damaged files of the current version. */
  damagedFiles: number
  endOfLife: string | null
  installer: boolean | null
  source: string | null
  /** When the current version was added. */
  versionAt: Date
  uses: ReferenceCounts
}

/** Images in brief by name, those after `after`. Machines are counted by their own assignment, in one pass. */
export async function listImageSummaries(db: Db, limit: number, after = ''): Promise<ImageSummary[]> {
  const found = await db.execute(sql`
    with page as (
      select i.name, i.title, i.current_version, i.end_of_life, v.variants, v.installer, v.source, v.created_at
      from images i join image_versions v on v.image = i.name and v.version = i.current_version
      where i.name > ${after} order by i.name limit ${limit}
    ), own as (select assignment ->> 'image' as image, count(*)::int as machines from machines
      where assignment ->> 'image' in (select name from page) group by 1)
    select p.name, p.title, p.current_version as version, p.end_of_life::text as "endOfLife", p.installer, p.source,
      p.created_at as "versionAt", sizes.bytes as "sizeBytes", sizes.damaged as "damagedFiles", made.versions, made.newest as "newestVersion",
      (select jsonb_agg(distinct v ->> 'arch') from jsonb_array_elements(p.variants) as v) as archs,
      (select jsonb_agg(distinct v ->> 'kind') from jsonb_array_elements(p.variants) as v) as kinds,
      jsonb_build_object('assigned', coalesce((select machines from own where own.image = p.name), 0),
        'groups', (select count(*) from groups where assignment ->> 'image' = p.name),
        'menus', (select count(*) from menus where entries @> jsonb_build_array(jsonb_build_object('image', p.name))),
        'policy', exists (select 1 from policies where policy ->> 'image' = p.name),
        'deployments', (select count(*) from deployments where ${isActiveSql(sql`state`)} and image = p.name)) as uses
    from page p,
      lateral (select coalesce(sum(size_bytes), 0)::float8 as bytes, count(damage)::int as damaged from files where sha256 in
        (select jsonb_path_query(p.variants, '$.**.sha256') #>> '{}')) as sizes,
      lateral (select count(*)::int as versions, max(version) as newest from image_versions where image = p.name) as made
    order by p.name`)
  return rowsOf<Omit<ImageSummary, 'versionAt'> & { versionAt: Date | string }>(found).map((row) => ({
    ...row,
    versionAt: new Date(row.versionAt),
  }))
}
