import type { LocalMethod, Params, Removal, Wanted } from './assignment.ts'
import type { Catalog } from './catalog.ts'
import type { LatestDeployment } from './deployment.ts'
import type { Facts, KnownTarget } from './facts.ts'
import type { Identity } from './identity.ts'
import type { Chap, FileRef } from './image.ts'
import type { Machine } from './machine.ts'
import type { VisibleEntry } from './menu.ts'

/** Everything that a decision depends on. */
export type Situation = {
  /** What the machine says, and where it says nothing, what it said before: of the machine that it surely is. */
  facts: Facts
  identity: Identity
  /** Of the machine that the request is taken for. */
  deployment: LatestDeployment | undefined
  /** The names of the secrets that the machine, and that groups, have. */
  secrets: { machine: string[]; groups: Record<string, string[]> }
  catalog: Catalog
  /** YYYY-MM-DD, in UTC. */
  today: string
}

/** One thing that could have decided, and why it did or did not. */
export type Reason = { candidate: string; won: boolean; why: string }

/** What a machine boots, and why. */
export type Decision = {
  target: KnownTarget
  machine?: {
    id: string
    name: string
    discovered: boolean
    labels: Record<string, string>
  } & Partial<Pick<Machine, 'hostname' | 'uuid' | 'serial' | 'product' | 'asset'>>
  /** What the machine was known by; `weak` says why that is not certain, and then nothing that installs is served. */
  identity?: { by: string; byMac: boolean; weak?: string }
  /** Why it may be a machine that an operator entered, though it is not known as one: nothing that installs is served then, too. */
  doubt?: string
  /** Whose image this boot installs, and which attempt it is. */
  deployment?: { id: string; attempt: number; maxAttempts: number }
  image?: { name: string; version: number }
  answerFile?: { name: string; version: number }
  /** The groups that fit, the weakest first. */
  groups: string[]
  params: Params
  spec: BootSpec
  /** What the person in front of the machine should read besides what it boots. */
  notices: string[]
  reasons: Reason[]
}

/** What to do now. */
export type BootSpec =
  /** `tree` is the digest in the URL of the image's tree. */
  | ({ kind: 'linux'; kernel: FileRef; initrds: FileRef[]; tree?: string } & SpecArgs)
  | ({ kind: 'wimboot'; wimboot: FileRef; files: FileRef[] } & SpecArgs)
  /** `treePath`: the program is fetched from the tree. `bootConfig`: the text that is filled in for this boot. */
  | ({ kind: 'efi'; file: FileRef; tree?: string; treePath?: string; bootConfig?: FileRef } & SpecArgs)
  | { kind: 'ipxe'; file: FileRef }
  | { kind: 'sanboot'; file: FileRef }
  | SanSpec
  | { kind: 'local'; method: Exclude<LocalMethod, 'auto'> }
  | {
      kind: 'menu'
      menu: string
      title: string
      timeoutSeconds: number | null
      defaultEntry: string | null
      /** Why it waits for a person, where it was made with a time limit. */
      note?: string
      entries: VisibleEntry[]
    }
  | { kind: 'shell' }
  | { kind: 'reboot' }
  | { kind: 'wait' }
  /** `fault`: nothing was decided, because something here is broken or away; whatever the settings say, it is asked again. */
  | { kind: 'refusal'; reason: string; nextStep: string; fault?: true }

/** The arguments of the variant and of all assignments, and the patterns that take some of them off. */
export type SpecArgs = { args: string[]; withoutArgs?: Removal[] }

/** A disk of a storage network. */
export type SanSpec = {
  kind: 'sanboot'
  target: string
  initiator?: string | undefined
  chap?: Chap | undefined
}

/** What was chosen to be booted, by whatever decided. */
export type Chosen = { kind: 'shell' | 'reboot' | 'wait' } | Wanted

/** A refusal, with what the operator can do about it. */
export function refusal(reason: string, nextStep: string): BootSpec {
  return { kind: 'refusal', reason, nextStep }
}
