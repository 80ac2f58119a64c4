import { randomUUID } from 'node:crypto'
import { swapUuid } from '../../../src/lib/ids/uuid.ts'
import type { Facts } from '../../../src/model/facts.ts'
import type { Seeded } from '../../helpers/seeded.ts'

/** Few values, so that machines and requests often have the same. */
const macs = Array.from({ length: 10 }, (_, n) => `52:54:00:00:00:0${n}`)
const uuids = [
  '4c4c4544-0042-3510-8054-b7c04f4e3332',
  '03000200-0400-0500-0006-000700080009',
  '1b7f3a52-9c1e-4c55-a1f0-2f9d3c6b7e11',
]
const serials = ['CN7 0163', 'cn7  0163', 'S2', 'To Be Filled By O.E.M.']
const products = ['X1', 'x1', 'PowerEdge R740']
const hostnames = ['web', 'db', 'db2', 'web']
const images = ['debian', 'alma', 'tool']
const file = { sha256: 'a'.repeat(64), name: 'vmlinuz' }

const text = (value: unknown) => (value === undefined ? 'null' : `'${String(value).replaceAll("'", "''")}'`)
const json = (value: unknown) => `${text(JSON.stringify(value))}::jsonb`

/** The facts of a random request. */
export function randomFacts({ next, pick }: Seeded): Facts {
  const maybe = <T>(list: readonly T[], chance: number) => (next() < chance ? pick(list) : undefined)
  const uuid = maybe(uuids, 0.5)
  const facts = {
    mac: maybe(macs, 0.8),
    uuid: uuid && (next() < 0.3 ? swapUuid(uuid) : uuid),
    serial: maybe(serials, 0.5),
    product: maybe(products, 0.7),
    platform: maybe(['efi', 'pcbios'] as const, 0.8),
    buildarch: maybe(['x86_64', 'arm64'] as const, 0.8),
    hostname: maybe(['reported'], 0.2),
  }
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
}

/** A random statement that changes what decisions depend on, or a column beside it. */
export function randomStatement(random: Seeded): string {
  const { next, pick, between } = random
  const maybe = <T>(list: readonly T[], chance = 0.5) => (next() < chance ? pick(list) : undefined)
  const machine = `(select id from machines order by md5(id::text || ${between(0, 999)}) limit 1)`
  const group = pick(['g1', 'g2', 'g3'])
  const image = pick(images)
  const assignment = () => ({
    ...(next() < 0.6 && { image: pick(images), ...(next() < 0.4 && { version: between(1, 4) }) }),
    ...(next() < 0.3 && { answerFile: 'seed' }),
    ...(next() < 0.3 && { params: { p: between(1, 3) } }),
  })
  const selector = () =>
    pick([
      [],
      [{ label: 'rack', equals: 'r1' }],
      [{ fact: 'platform', equals: 'efi' }],
      [{ label: 'rack', present: true }],
    ])
  const variants = () => [
    { kind: 'linux', arch: 'x86_64', kernel: file, initrds: [], args: [`v=${between(1, 9)}`] },
    ...(next() < 0.5 ? [{ kind: 'local', arch: 'arm64' }] : []),
  ]
  const newMachine = () =>
    `with made as (insert into machines (id, discovered, denied, uuid, serial, product, hostname, labels, assignment, facts)
      values ('${randomUUID()}', ${next() < 0.4}, ${next() < 0.1}, ${text(maybe(uuids, 0.4))}, ${text(maybe(serials, 0.3))}, ${text(maybe(products))},
        ${text(maybe(hostnames))}, ${json(maybe([{ rack: 'r1' }, { rack: 'r2' }]) ?? {})}, ${next() < 0.5 ? json(assignment()) : 'null'},
        ${json(randomFacts(random))}) returning id)
    insert into machine_macs (mac, machine_id) select ${text(pick(macs))}, id from made`
  const set = () =>
    pick([
      () => `uuid = ${text(maybe(uuids))}`,
      () => `serial = ${text(maybe(serials))}, product = ${text(maybe(products))}`,
      () => `hostname = ${text(maybe(hostnames, 0.8))}`,
      () => `labels = ${json(maybe([{ rack: 'r1' }, { rack: 'r3' }]) ?? {})}`,
      () => `assignment = ${next() < 0.7 ? json(assignment()) : 'null'}`,
      () => `facts = facts || ${json(randomFacts(random))}, last_seen_at = now()`,
      () => `denied = not denied`,
      () => `discovered = not discovered`,
      () => `last_seen_at = now(), revision = revision + 1`,
    ])()
  const deployment = `(select id from deployments order by md5(id::text || ${between(0, 999)}) limit 1)`
  const other = `(select id from machines order by md5(id::text || ${between(0, 999)}) desc limit 1)`
  const statements: [number, () => string][] = [
    [10, newMachine],
    [10, () => `update machines set ${set()} where id = ${machine}`],
    [2, () => `update machines set ${set()}`],
    [3, () => `delete from machines where id = ${machine}`],
    [4, () => `insert into machine_macs (mac, machine_id) select ${text(pick(macs))}, ${machine}`],
    [2, () => `delete from machine_macs where mac = ${text(pick(macs))}`],
    [3, () => `update machine_macs set machine_id = ${machine} where mac = ${text(pick(macs))}`],
    [
      3,
      () => `do $$ declare target uuid := ${machine}; source uuid := ${other}; begin
        if target <> source then
          update deployments set machine_id = target where machine_id = source;
          update machine_macs set machine_id = target where machine_id = source;
          delete from machines where id = source;
        end if; end $$`,
    ],
    [
      4,
      () =>
        `insert into identity_claims (machine_id, mac, facts) select ${machine}, ${text(pick(macs))}, ${json(randomFacts(random))}`,
    ],
    [1, () => `delete from identity_claims where mac = ${text(pick(macs))}`],
    [
      6,
      () => `insert into deployments (id, machine_id, image, version, assignment, max_attempts, window_seconds, armed_by, created_at)
        select '${randomUUID()}', ${machine}, ${text(image)}, ${next() < 0.5 ? 'null' : between(1, 4)}, '{}', 3, 3600, 'tester',
          now() - ${next() < 0.1 ? 31 : 0} * interval '1 day'`,
    ],
    [
      5,
      () => `update deployments set state = ${text(pick(['started', 'installing', 'installed', 'failed', 'cancelled']))},
        attempts = attempts + 1, started_at = now() - ${next() < 0.2 ? 2 : 0} * interval '1 hour' where id = ${deployment}`,
    ],
    [1, () => `delete from deployments where id = ${deployment}`],
    [
      3,
      () => `insert into secrets (owner_kind, owner, name, sealed) select 'machine', ${machine}::text, ${text(pick(['a', 'b']))}, 'x'
        on conflict (owner_kind, owner, name) do update set sealed = 'y'`,
    ],
    [2, () => `delete from secrets where name = ${text(pick(['a', 'b']))}`],
    [
      2,
      () =>
        `insert into secrets (owner_kind, owner, name, sealed) values ('group', ${text(group)}, ${text(pick(['a', 'b']))}, 'x') on conflict do nothing`,
    ],
    [
      4,
      () => `insert into groups (name, priority, selector, assignment) values (${text(group)}, ${between(0, 2)}, ${json(selector())}, ${json(assignment())})
        on conflict (name) do update set priority = excluded.priority, selector = excluded.selector, assignment = excluded.assignment`,
    ],
    [1, () => `delete from groups where name = ${text(group)}`],
    [
      4,
      () => `with image as (insert into images (name, title, current_version) values (${text(image)}, '', 1)
          on conflict (name) do update set current_version = (select max(version) + 1 from image_versions where image = images.name) returning name, current_version)
        insert into image_versions (image, version, variants, installer) select name, current_version, ${json(variants())}, ${next() < 0.5} from image`,
    ],
    [
      2,
      () =>
        `update images set current_version = (select min(version) from image_versions where image = name) where name = ${text(image)}`,
    ],
    [
      2,
      () => `delete from image_versions where image = ${text(image)} and version = ${between(1, 4)}
        and version <> (select current_version from images where name = image)`,
    ],
    [1, () => `delete from images where name = ${text(image)}`],
    [1, () => `update images set end_of_life = ${text(maybe(['2020-01-01', '2099-01-01']))}`],
    [
      2,
      () => `with made as (insert into answer_files (name, current_version) values ('seed', 1)
          on conflict (name) do update set current_version = answer_files.current_version + 1 returning name, current_version)
        insert into answer_file_versions (answer_file, version, documents) select name, current_version, ${json([{ name: 'd', mediaType: 'text/plain', text: String(between(1, 9)) }])} from made`,
    ],
    [
      2,
      () => `insert into policies (id, policy) values (1, ${json(pick([{ kind: 'local' }, { kind: 'wait' }, { kind: 'image', image }, { kind: 'image', image, version: between(1, 4) }]))})
        on conflict (id) do update set policy = excluded.policy`,
    ],
    [
      1,
      () => `insert into files (sha256, name, size_bytes) values ('${file.sha256}', 'vmlinuz', 5) on conflict (sha256) do update
        set damage = ${text(maybe(['the file is missing']))}`,
    ],
    [
      1,
      () =>
        `truncate ${pick(['machine_macs', 'identity_claims', 'deployments cascade', 'secrets', 'machines cascade', 'groups', 'files'])}`,
    ],
  ]
  const total = statements.reduce((sum, [weight]) => sum + weight, 0)
  let place = next() * total
  const chosen = statements.find(([weight]) => {
    place -= weight
    return place < 0
  })
  return (chosen ?? statements[0])?.[1]() ?? ''
}
