import { decide } from '../../src/decide/decision.ts'
import type { Group } from '../../src/inventory/machines/groups.ts'
import type { Arch, Platform } from '../../src/model/arch.ts'
import { type Catalog, type CatalogGroup, compareGroups, type DamagedFile } from '../../src/model/catalog.ts'
import type { Decision, Situation } from '../../src/model/decision.ts'
import type { LatestDeployment } from '../../src/model/deployment.ts'
import type { Variant } from '../../src/model/image.ts'
import type { Machine } from '../../src/model/machine.ts'
import type { Choice, MenuEntry } from '../../src/model/menu.ts'
import { compileSelector } from '../../src/model/selector.ts'

export const file = { sha256: 'a'.repeat(64), name: 'a' }
export const mac = '52:54:00:12:34:56'

export const linux = (arch: Arch, platform?: Platform): Variant => ({
  kind: 'linux',
  arch,
  ...(platform && { platform }),
  kernel: file,
  initrds: [],
  args: ['quiet'],
})

export type GroupParts = Partial<Pick<Group, 'priority' | 'selector' | 'assignment'>> & { name: string }

/** A catalog of these parts. An image without variants has one Linux variant for x86_64. */
export function catalogOf(parts: {
  policy?: Catalog['policy']
  groups?: GroupParts[]
  images?: Record<string, Variant[]>
  /** Versions that something pins, by reference: `debian@2`. */
  versions?: Record<string, { variants: Variant[]; installer?: boolean }>
  menus?: Record<string, MenuEntry[]>
  answerFiles?: string[]
  damaged?: [Variant, DamagedFile][]
  endsOfLife?: Record<string, string>
  installers?: string[]
}): Catalog {
  const {
    policy = { kind: 'local' },
    groups = [],
    images = {},
    versions = {},
    menus = {},
    answerFiles = [],
    damaged = [],
    endsOfLife = {},
    installers = [],
  } = parts
  const whole = groups.map(({ name, priority = 0, selector = [], assignment = {} }) => ({
    name,
    priority,
    selector,
    assignment,
  }))
  return {
    revision: 1,
    policy,
    groups: whole
      .sort(compareGroups)
      .map((group): CatalogGroup => ({ ...group, refuses: compileSelector(group.selector) })),
    images: new Map(
      Object.entries(images).map(([name, variants]) => [
        name,
        {
          ...{ name, version: 3, variants, endOfLife: endsOfLife[name] ?? null, createdAt: new Date(0) },
          installer: installers.includes(name),
        },
      ]),
    ),
    versions: new Map(
      Object.entries(versions).map(([ref, { variants, installer = null }]) => {
        const [image = '', version] = ref.split('@')
        return [ref, { image, version: Number(version), variants, installer }]
      }),
    ),
    menus: new Map(
      Object.entries(menus).map(([name, entries]) => [
        name,
        { name, title: name, timeoutSeconds: null, defaultEntry: null, entries },
      ]),
    ),
    answerFiles: new Map(answerFiles.map((name) => [name, { name, version: 2, documents: [] }])),
    damaged: new Map(damaged),
  }
}

export function machineOf(fields: Partial<Machine> = {}): Machine {
  const now = new Date(0)
  return {
    id: '1',
    discovered: false,
    denied: false,
    discoveredFrom: '',
    macs: [mac],
    hostname: 'n1',
    labels: {},
    facts: {},
    revision: 1,
    createdAt: now,
    updatedAt: now,
    ...fields,
  }
}

export function deploymentOf(fields: Partial<LatestDeployment> = {}): LatestDeployment {
  return {
    version: null,
    id: 'd1',
    image: 'debian',
    assignment: {},
    state: 'armed',
    attempts: 0,
    windowSeconds: 3600,
    maxAttempts: 3,
    reason: null,
    late: false,
    ...fields,
  }
}

/** The situation of a machine that reports x86_64 with UEFI. It is identified as `machine`, if given. */
export function situationOf({ machine, ...fields }: Partial<Situation> & { machine?: Machine } = {}): Situation {
  return {
    facts: { mac, platform: 'efi', buildarch: 'x86_64' },
    identity: machine
      ? { machine, matchedBy: `MAC ${mac}`, byMac: true, passedOver: [], notices: [] }
      : { notices: [], claimed: [] },
    deployment: undefined,
    secrets: { machine: [], groups: {} },
    catalog: catalogOf({}),
    today: '2026-11-24',
    ...fields,
  }
}

/** The decision in a situation, without its variant. */
export function decisionFor(situation: Situation, choice?: Choice): Decision {
  return decide(situation, choice).decision
}
