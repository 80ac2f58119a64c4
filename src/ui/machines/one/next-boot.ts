// What a machine boots next, and why, in words: the decision of the API.
import type { ExplainedDecision } from '../../../api/schemas/boots/decision.ts'

type Spec = ExplainedDecision['spec']

/** The decision for people: the outcome, the reasons for it, and the candidates that lost. */
export type NextBoot = {
  /** `debian-12, version 3`, `the local disk`. */
  what: string
  how: string | undefined
  refusal: { code: string | undefined; reason: string; nextStep: string } | undefined
  won: { candidate: string; why: string }[]
  lost: { candidate: string; why: string }[]
  /** Further messages, such as the doubt about the identity. */
  notices: string[]
  identity: string | undefined
  target: string
  details: [name: string, value: string][]
}

export function nextBootOf(decision: ExplainedDecision): NextBoot {
  const { spec, reasons, others, notices, identity, doubt, target, deployment } = decision
  const refusal =
    spec.kind === 'refusal' ? { code: spec.code, reason: spec.reason, nextStep: spec.nextStep } : undefined
  const attempt = deployment && `attempt ${deployment.attempt} of ${deployment.maxAttempts} of a deployment`
  const firmware = `${target.arch} with ${target.platform === 'efi' ? 'UEFI' : 'BIOS'}`
  const assumed = target.assumed.length > 0 ? ` (assumed: ${target.assumed.join(', ')})` : ''
  return {
    ...{ what: whatOf(decision), how: attempt, refusal },
    won: reasons.filter(({ won }) => won),
    lost: [
      ...reasons.filter(({ won }) => !won),
      ...others.map(({ group, why }) => ({ candidate: `group ${group}`, why })),
    ],
    notices: [...notices, ...[identity?.weak, doubt].flatMap((text) => text ?? [])],
    identity: identity && `identified by ${identity.by}`,
    target: `${firmware}${assumed}`,
    details: detailsOf(decision),
  }
}

function whatOf({ spec, image }: ExplainedDecision): string {
  if (image !== undefined && spec.kind !== 'refusal') return `${image.name}, version ${image.version}`
  switch (spec.kind) {
    case 'refusal':
      return 'nothing: the boot is refused'
    case 'local':
      return 'the local disk'
    case 'menu':
      return `the menu ${spec.menu}`
    case 'wait':
      return 'nothing yet: it waits for an assignment'
    case 'shell':
      return 'the iPXE shell'
    case 'reboot':
      return 'a reboot'
    default:
      return spec.kind
  }
}

function detailsOf({ spec, answerFile, params, groups }: ExplainedDecision): [string, string][] {
  const rows: [string, string][] = [
    ['Kernel', 'kernel' in spec ? spec.kernel.name : ''],
    ['Initrds', 'initrds' in spec ? spec.initrds.map(({ name }) => name).join(' ') : ''],
    ['File', 'file' in spec && spec.file !== undefined ? spec.file.name : ''],
    ['Method', localMethod(spec)],
    ['Args', 'args' in spec ? spec.args.join(' ') : ''],
    ['Answer file', answerFile === undefined ? '' : `${answerFile.name}, version ${answerFile.version}`],
    [
      'Params',
      Object.entries(params)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(' '),
    ],
    ['Groups', groups.join(', ')],
  ]
  return rows.filter(([, value]) => value !== '')
}

function localMethod(spec: Spec): string {
  if (spec.kind !== 'local') return ''
  return typeof spec.method === 'string' ? spec.method : spec.method.file
}
