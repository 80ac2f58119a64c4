// The names that operators' texts may use, for one boot. Pure.
import { realValue } from '../lib/ids/placeholders.ts'
import { parseUuid } from '../lib/ids/uuid.ts'
import type { Params } from '../model/assignment.ts'
import type { Decision } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'

/** The names that operators' texts, kernel arguments and answer files, may use. */
export type Names = {
  machine: {
    id?: string
    name?: string
    hostname?: string
    mac?: string
    uuid?: string
    serial?: string
    asset?: string
    product?: string
    manufacturer?: string
    ip?: string
    arch: string
    platform: string
    labels: Record<string, string>
  }
  image: { name: string; version: number }
  params: Params
  boot: BootNames
  /** The URL of the image's tree, without a slash at the end. Not there when the image has none. */
  tree?: string
  /** Only in answer files, and in what a storage network asks of a machine. */
  secrets?: Record<string, string>
}

export type BootNames = {
  id: string
  /** Where the machine reports: `<url>/installing`, `<url>/installed`, `<url>/booted`, `<url>/failed`. */
  url: string
  /** The boot server, `http://host:port`. */
  server: string
  /** The document of the answer file, or the first of several. Not there without an answer file. */
  answer_url?: string
  /** The documents of the answer file, as cloud-init's NoCloud source wants them: it ends in a slash. */
  nocloud_url?: string
  /** Stays the same while the machine boots the same installation, for cloud-init's instance-id. */
  instance_id: string
}

/** The names there are, for the check of a text when it is saved; below `params`, `secrets` and `machine.labels` all are free. */
export const knownNames: Record<string, readonly string[] | undefined> = {
  machine: [
    ...[
      'id',
      'name',
      'hostname',
      'mac',
      'uuid',
      'serial',
      'asset',
      'product',
      'manufacturer',
      'ip',
      'arch',
      'platform',
    ],
    'labels',
  ],
  image: ['name', 'version'],
  boot: ['id', 'url', 'server', 'answer_url', 'nocloud_url', 'instance_id'],
  params: undefined,
  secrets: undefined,
  tree: [],
}

/** What a text is filled in for: one boot of one machine. */
export type NamesContext = {
  facts: Facts
  /** `http://host:port` of the boot server, as this machine reaches it. */
  base: string
  /** The boot's id and token; both `preview` in a preview. */
  boot: { id: string; token: string }
}

/** The names for one boot. `firstDocument` is that of its answer file, when it has one. */
export function namesOf(
  { machine, image, params, target, deployment, spec }: Decision,
  { facts, base, boot }: NamesContext,
  firstDocument: string | undefined,
): Names {
  const url = `${base}/b/${boot.token}`
  const { mac, ip, manufacturer } = facts
  const { uuid, serial, asset, product } = machine ?? {}
  // What operators entered, else what firmware says, and never what its maker wrote for "none".
  const said = Object.entries({
    mac,
    uuid: uuid ?? (facts.uuid && parseUuid(facts.uuid)),
    serial: serial ?? realValue(facts.serial),
    asset: asset ?? realValue(facts.asset),
    product: product ?? realValue(facts.product),
    manufacturer: realValue(manufacturer),
    ip,
  }).filter(([, value]) => value)
  return {
    machine: {
      ...Object.fromEntries(said),
      ...(machine && { id: machine.id, name: machine.name, ...(machine.hostname && { hostname: machine.hostname }) }),
      arch: target.arch,
      platform: target.platform,
      labels: machine?.labels ?? {},
    },
    image: image ?? { name: '', version: 0 },
    params,
    ...(image && 'tree' in spec && { tree: `${base}/trees/${image.name}/${image.version}/${spec.tree}` }),
    boot: {
      id: boot.id,
      url,
      server: base,
      instance_id: deployment?.id ?? machine?.id ?? boot.id,
      ...(firstDocument !== undefined && {
        answer_url: `${url}/answer/${firstDocument}`,
        nocloud_url: `${url}/nocloud/`,
      }),
    },
  }
}
