// Answers what a machine gets: for its script, previews, explain, and the check before a deployment is armed.
import { documentsOf, secretNamesOf } from '../inventory/boots/answer-access.ts'
import type { Inventory } from '../inventory/open.ts'
import { type FieldFault, InputError } from '../lib/errors.ts'
import type { AnswerDocument } from '../model/answer-file.ts'
import { type Decision, refusal, type Situation } from '../model/decision.ts'
import type { LatestDeployment } from '../model/deployment.ts'
import type { Facts } from '../model/facts.ts'
import type { FindingCode } from '../model/findings/table.ts'
import type { Variant } from '../model/image.ts'
import type { Choice } from '../model/menu.ts'
import { renderAnswers, withRedactedSecrets } from '../render/answers.ts'
import { type Names, type NamesContext, namesOf } from '../render/names.ts'
import type { ScriptContext, Scripts } from '../render/scripts.ts'
import { type Damage, type DamageDeps, findDamage, refuseDamaged } from './damage.ts'
import { decide } from './decision.ts'
import { stepsToSet } from './next-steps.ts'

/** The dependencies of an answer. */
export type AnswerDeps = DamageDeps & {
  inventory: Pick<Inventory, 'findSituation'>
  scripts: Scripts
  settings: {
    afterRefusal: ScriptContext['after']
    /** The command that starts the command line on this server, for next steps on screens. */
    command?: string
  }
}

/** A machine's request: the server's URL as the machine reached it, the boot, and the chosen menu entry. */
export type Asking = { base: string; boot?: NamesContext['boot']; choice?: Choice }

/** What a machine gets. */
export type MachineAnswer = {
  situation: Situation
  /** A refusal if the script or the answer file cannot be rendered. */
  decision: Decision
  /** The booted variant; undefined when the decision boots no image. */
  variant?: Variant
  /** The documents of the answer file, rendered, with asterisks for secrets. */
  documents: AnswerDocument[]
  /** The faults that prevent rendering the answer file: the reason of the refusal. */
  unfilled?: FieldFault[]
  /** The names that texts for this boot may use, with asterisks for secrets. */
  names: Names
  script: string
  /** The booted system gets the URL for its reports, so its silence is a fault. */
  reports: boolean
  damage: Damage[]
}

/** The id and token in a preview. No boot has them. */
export const previewBoot = { id: 'preview', token: 'preview' }

/** What a machine with these facts would get now. Changes nothing. `supposed` is a deployment that counts as armed. */
export async function answerMachine(
  deps: AnswerDeps,
  facts: Facts,
  asking: Asking,
  supposed?: LatestDeployment,
): Promise<MachineAnswer> {
  return answerSituation(deps, await deps.inventory.findSituation(facts, supposed), asking)
}

/** The answer in a situation that was already looked up. Changes nothing. */
export async function answerSituation(
  deps: AnswerDeps,
  situation: Situation,
  { base, boot = previewBoot, choice }: Asking,
): Promise<MachineAnswer> {
  const decided = decide(situation, choice)
  const damage = decided.variant === undefined ? [] : await findDamage(deps, decided.variant)
  const checked = withoutDamage(decided, damage)

  const templates = documentsOf(checked.decision, situation)
  const { afterRefusal: after, command } = deps.settings
  const context: ScriptContext = {
    ...{ facts: situation.facts, base, boot, after },
    ...(command !== undefined && { command }),
    documents: templates.map(({ name }) => name),
  }
  const names = withRedactedSecrets(
    namesOf(checked.decision, context, templates[0]?.name),
    secretNamesOf(checked.decision, situation),
  )
  return { situation, ...render(deps.scripts, checked, templates, { ...context, names }), names, damage }
}

type Decided = { decision: Decision; variant?: Variant }

function withoutDamage({ decision, variant }: Decided, [first]: Damage[]): Decided {
  if (variant === undefined) return { decision }
  return first === undefined ? { decision, variant } : { decision: refuseDamaged(decision, variant, first) }
}

// Everything is rendered before the boot is opened. Otherwise an installer could stop with a half-written disk.
function render(
  scripts: Scripts,
  { decision, variant }: Decided,
  templates: AnswerDocument[],
  context: ScriptContext & { names: Names },
): Omit<MachineAnswer, 'situation' | 'names' | 'damage'> {
  const refuse = (code: FindingCode, reason: string, nextStep: string) => {
    const refused: Decision = { ...decision, spec: refusal(code, reason, nextStep) }
    return { decision: refused, documents: [], script: scripts.script(refused, context).text, reports: false }
  }
  const { spec, image, answerFile } = decision
  const filled = faultsOf(() => (spec.kind === 'refusal' ? [] : renderAnswers(templates, context.names)))
  if (filled instanceof InputError) {
    const problems = filled.faults.map(({ field, value }) => `${value} (${field})`).join(', ')
    const nextStep = stepsToSet(filled.missing) ?? `to correct it: bootwright answer-file set ${answerFile?.name} FILE`
    return {
      ...refuse('BW-ANSWER-FILE', `answer file ${answerFile?.name}: ${problems}`, nextStep),
      unfilled: filled.faults,
    }
  }
  const script = faultsOf(() => {
    // Otherwise a missing secret would be found only after iPXE has fetched this script.
    if (spec.kind === 'sanboot' && 'target' in spec && spec.chap !== undefined)
      scripts.san(decision, context, context.names.secrets ?? {})
    return scripts.script(decision, context)
  })
  if (script instanceof InputError)
    return refuse(
      'BW-ARGUMENT',
      `image ${image?.name}: ${script.message}`,
      stepsToSet(script.missing) ?? 'to see where each argument comes from: bootwright explain MAC',
    )
  return {
    decision,
    ...(variant !== undefined && { variant }),
    documents: filled,
    script: script.text,
    // The URL of an answer file contains the boot's token, so its installer can report.
    reports: answerFile !== undefined || script.reports,
  }
}

function faultsOf<Result>(work: () => Result): Result | InputError {
  try {
    return work()
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
}
