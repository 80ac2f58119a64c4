// Decisions: what they depend on, what they boot, and why.
import type { LocalMethod, Params, Removal, Wanted } from './assignment.ts'
import type { Catalog } from './catalog.ts'
import type { LatestDeployment } from './deployment.ts'
import type { Facts, KnownTarget } from './facts.ts'
import type { FindingCode } from './findings/table.ts'
import type { Identity } from './identity/identity.ts'
import type { Chap, FileRef } from './image.ts'
import type { Machine } from './machine.ts'
import type { VisibleEntry } from './menu.ts'

/** Everything that a decision depends on. */
export type Situation = {
  /** The facts that the machine reports now. A fact that it does not report has the value of an earlier report. */
  facts: Facts
  identity: Identity
  /** The deployment of the identified machine. */
  deployment: LatestDeployment | undefined
  /** The names of the secrets of the machine and of the groups. */
  secrets: { machine: string[]; groups: Record<string, string[]> }
  catalog: Catalog
  /** YYYY-MM-DD, in UTC. */
  today: string
  /** The database was away, so that all this is from its last answer, at this time. */
  asOf?: Date
}

/** A candidate that could have decided, and why it did or did not. */
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
  /** The key that identified the machine. `weak`: why that is uncertain; then no installation is served. */
  identity?: { by: string; byMac: boolean; weak?: string }
  /** Why the request may come from an entered machine that it was not identified as. Then no installation is served. */
  doubt?: string
  /** The deployment whose image this boot installs, and the number of the attempt. */
  deployment?: { id: string; attempt: number; maxAttempts: number }
  image?: { name: string; version: number }
  answerFile?: { name: string; version: number }
  /** The database was away: what decided is as old as this time, in ISO 8601. */
  asOf?: string
  /** The groups that match, the weakest first. */
  groups: string[]
  params: Params
  spec: BootSpec
  /** Messages for the person in front of the machine. */
  notices: string[]
  reasons: Reason[]
}

/** What the machine does now. */
export type BootSpec =
  /** `tree` is the digest in the URL of the image's tree. */
  | ({ kind: 'linux'; kernel: FileRef; initrds: FileRef[]; tree?: string } & SpecArgs)
  | ({ kind: 'wimboot'; wimboot: FileRef; files: FileRef[] } & SpecArgs)
  /** `treePath`: the path of the program in the tree. `bootConfig`: the text that is rendered for this boot. */
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
      /** Why the menu waits for a person in spite of its timeout. */
      note?: string
      entries: VisibleEntry[]
    }
  | { kind: 'shell' }
  | { kind: 'reboot' }
  | { kind: 'wait' }
  /**
   * `code`: the finding. Decisions of earlier versions do not have it. `fault`: the server could not decide. The machine
   * retries, whatever the settings say.
   */
  | { kind: 'refusal'; code?: FindingCode; reason: string; nextStep: string; fault?: true }

/** The arguments of the variant and of all assignments, and the patterns that remove some of them. */
export type SpecArgs = { args: string[]; withoutArgs?: Removal[] }

/** A disk of a storage network. */
export type SanSpec = {
  kind: 'sanboot'
  target: string
  initiator?: string | undefined
  chap?: Chap | undefined
}

/** The choice of what to boot. */
export type Chosen = { kind: 'shell' | 'reboot' | 'wait' } | Wanted

/** A refusal, with the next step for the operator. */
export function refusal(code: FindingCode, reason: string, nextStep: string): BootSpec {
  return { kind: 'refusal', code, reason, nextStep }
}
