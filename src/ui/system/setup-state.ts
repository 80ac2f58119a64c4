// What the guide knows of the server, all of it from the API: nothing is stored about the steps.
import type { BootSummary } from '../../api/schemas/boots/boot.ts'
import type { Now } from '../../api/schemas/boots/now.ts'
import type { Image } from '../../api/schemas/images/image.ts'
import type { Import } from '../../api/schemas/images/import.ts'
import type { Recipe, RecipeList } from '../../api/schemas/images/recipe.ts'
import type { Machine } from '../../api/schemas/machines/machine.ts'
import type { Policy } from '../../api/schemas/machines/policy.ts'
import type { BootProgramList } from '../../api/schemas/system/boot-program.ts'
import type { DoctorAbout, DoctorReport } from '../../api/schemas/system/doctor.ts'
import type { About, InterfaceList } from '../../api/schemas/system/server.ts'
import { nameOf, outcomeState, stageText } from '../boots/words.ts'
import type { ApiClient } from '../http/client.ts'
import type { Listed } from '../http/listed.ts'
import type { Visit } from '../http/visit.ts'

/** The machines that are seen at this moment: the newest boots, firmware without a script, and discovered machines. */
export type Seen = {
  boots: BootSummary[]
  booting: Now['booting']['items']
  firmware: Now['firmware']['items']
  discovered: Machine[]
  /** Whether boots of the last days ended with a system that reported, or today at the local disk. */
  reached: boolean
  /** Problems that the server found in itself in the last minutes. */
  findings: DoctorReport['findings']
}

/** What the steps are judged by. `imports`: the newest first. */
export type Setup = Seen & {
  about: About
  programs: BootProgramList
  doctor: DoctorAbout
  images: Image[]
  imports: Import[]
  policy: Policy
  /** Whether a group or a machine has an assignment of its own. */
  assigns: boolean
  /** Only for people who may read them. */
  interfaces: InterfaceList['items']
  recipes: Recipe[]
}

export async function readSetup({ api, may }: Pick<Visit, 'api' | 'may'>): Promise<Setup> {
  const interfaces = may('dhcp.read') ? api.ask<InterfaceList>('GET', '/interfaces') : { items: [] }
  const recipes = may('images.edit') ? api.ask<RecipeList>('GET', '/recipes') : { items: [] }
  const [about, programs, doctor, images, imports, policy, groups, seen] = await Promise.all([
    api.ask<About>('GET', '/about'),
    api.ask<BootProgramList>('GET', '/boot-programs'),
    api.ask<DoctorAbout>('GET', '/doctor'),
    api.ask<Listed<Image>>('GET', '/images?limit=4'),
    readImports(api),
    api.ask<Policy>('GET', '/policy'),
    api.ask<Listed<unknown>>('GET', '/groups?limit=1'),
    readSeen(api),
  ])
  const entered = await api.ask<Listed<Machine>>('GET', '/machines?discovered=false&sort=-updated&limit=1')
  return {
    ...{ about, programs, doctor, imports, policy, ...seen },
    images: images.items,
    assigns: groups.items.length > 0 || entered.items.some(({ assignment }) => assignment !== undefined),
    interfaces: (await interfaces).items,
    recipes: (await recipes).items,
  }
}

export async function readSeen(api: ApiClient): Promise<Seen> {
  const [boots, discovered, now] = await Promise.all([
    api.ask<Listed<BootSummary>>('GET', '/boots?limit=5'),
    api.ask<Listed<Machine>>('GET', '/machines?discovered=true&sort=-lastSeen&limit=5'),
    api.ask<Now>('GET', '/now'),
  ])
  const { booted = 0, installed = 0, handedOver = 0 } = now.outcomes.counts ?? {}
  return {
    boots: boots.items,
    reached: now.bootTimes.length > 0 || booted + installed + handedOver > 0,
    booting: now.booting.items.slice(0, 5),
    firmware: now.firmware.items.slice(0, 5),
    discovered: discovered.items,
    findings: now.findings.server?.findings ?? [],
  }
}

const maxBootRows = 6

/** The newest boots as rows, those in progress first. */
export function bootRows({ booting, boots }: Pick<Seen, 'booting' | 'boots'>) {
  const running = new Set(booting.map(({ id }) => id))
  const others = boots.filter(({ id }) => !running.has(id))
  return [...booting, ...others].slice(0, maxBootRows).map((boot) => ({
    ...boot,
    name: nameOf(boot),
    state: boot.outcome ? outcomeState(boot.outcome) : { tone: 'busy', words: stageText(boot.stage) },
  }))
}

export async function readImports(api: ApiClient): Promise<Import[]> {
  return (await api.ask<Listed<Import>>('GET', '/imports?limit=3')).items
}
