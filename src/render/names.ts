// The names that operators' texts may use for a boot. Pure.

import { realValue } from '../lib/ids/placeholders.ts'
import { parseUuid } from '../lib/ids/uuid.ts'
import { filled } from '../lib/text/filled.ts'
import type { Params } from '../model/assignment.ts'
import type { Decision } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'

/** The names that kernel arguments and answer files may use. */
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
  /** The URL of the image's tree, without a final slash. Missing if the image has no tree. */
  tree?: string
  /** Only in answer files and for storage networks. */
  secrets?: Record<string, string>
}

export type BootNames = {
  id: string
  /** The URL for the machine's reports: `<url>/installing`, `<url>/installed`, `<url>/booted`, `<url>/failed`. */
  url: string
  /** The boot server, `http://host:port`. */
  server: string
  /** The URL of the answer file's first document. Missing without an answer file. */
  answer_url?: string
  /** The URL of the answer file's documents for cloud-init's NoCloud source. It ends with a slash. */
  nocloud_url?: string
  /** For cloud-init's instance-id. All boots of an installation have the same value. */
  instance_id: string
}

/** All names, for the check before a text is saved. Below `params`, `secrets` and `machine.labels` every name is valid. */
export const namesByRoot: Record<string, readonly string[] | undefined> = {
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

/** The boot that a text is rendered for. */
export type NamesContext = {
  facts: Facts
  /** `http://host:port` of the boot server, as this machine reaches it. */
  base: string
  /** The boot's id and token; both `preview` in a preview. */
  boot: { id: string; token: string }
}

/** The names for a boot. `firstDocument` is the name of its answer file's first document. */
export function namesOf(
  { machine, image, params, target, deployment, spec }: Decision,
  { facts, base, boot }: NamesContext,
  firstDocument: string | undefined,
): Names {
  const url = `${base}/b/${boot.token}`
  const { mac, ip, manufacturer } = facts
  const { uuid, serial, asset, product } = machine ?? {}
  // Values entered by operators come first, then values of the firmware without vendors' placeholders for "none".
  const identification = {
    mac,
    uuid: uuid ?? (facts.uuid && parseUuid(facts.uuid)),
    serial: serial ?? realValue(facts.serial),
    asset: asset ?? realValue(facts.asset),
    product: product ?? realValue(facts.product),
    manufacturer: realValue(manufacturer),
    ip,
    ...(machine && { id: machine.id, name: machine.name, hostname: machine.hostname }),
  }
  return {
    machine: {
      ...filled(identification),
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
