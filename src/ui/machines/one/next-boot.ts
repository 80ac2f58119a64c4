// What a machine boots next, and why, in words: the decision of the API.
import type { ExplainedDecision } from '../../../api/schemas/boots/decision.ts'
import { pathOf } from '../../http/client.ts'

type Spec = ExplainedDecision['spec']

/** A candidate with the page about it, if it has one. */
type Reason = { candidate: string; href: string | undefined; why: string }

/** The decision for people: the outcome, the reasons for it, and the candidates that lost. */
export type NextBoot = {
  /** `debian-12, version 3`, `the local disk`. */
  what: string
  image: string | undefined
  how: string | undefined
  refusal:
    | { code: string | undefined; reason: string; nextStep: string; note: string; secret: string | undefined }
    | undefined
  won: Reason[]
  lost: Reason[]
  /** Further messages, such as the doubt about the identity. */
  notices: string[]
  identity: string | undefined
  target: string
  details: Detail[]
}

type Detail = [name: string, value: string, href?: string | undefined]

/** @param handle of the machine for commands: its MAC */
export function nextBootOf(decision: ExplainedDecision, handle: string): NextBoot {
  const { spec, reasons, others, notices, identity, doubt, target, deployment } = decision
  const refusal = spec.kind === 'refusal' ? refusalOf(spec, handle) : undefined
  const attempt = deployment && `attempt ${deployment.attempt} of ${deployment.maxAttempts} of a deployment`
  const firmware = `${target.arch} with ${target.platform === 'efi' ? 'UEFI' : 'BIOS'}`
  const assumed = target.assumed.length > 0 ? ` (assumed: ${target.assumed.join(', ')})` : ''
  return {
    ...{ what: whatOf(decision), image: decision.image?.name, how: attempt, refusal },
    won: reasons.filter(({ won }) => won).map(withHref),
    lost: [
      ...reasons.filter(({ won }) => !won),
      ...others.map(({ group, why }) => ({ candidate: `group ${group}`, why })),
    ].map(withHref),
    notices: [...notices, ...[identity?.weak, doubt].flatMap((text) => text ?? [])],
    identity: identity && `identified by ${identity.by}`,
    target: `${firmware}${assumed}`,
    details: detailsOf(decision),
  }
}

// Next steps are written for every machine. Here they are for this one, and say which secret to set.
function refusalOf({ code, reason, nextStep }: Extract<Spec, { kind: 'refusal' }>, handle: string) {
  const secret = /\bsecret set (\w+)/.exec(nextStep)?.[1]
  const [, command = nextStep, note = ''] = /^(.*?)( \([^()]*\))?$/.exec(nextStep) ?? []
  return { code, reason, nextStep: command.replaceAll(/\bMAC\b/g, handle), note, secret }
}

function withHref({ candidate, why }: { candidate: string; why: string }): Reason {
  const [, kind = '', name = ''] = /^(deployment|group|policy) ([\w.-]+)/.exec(candidate) ?? []
  const hrefs: Record<string, string> = {
    deployment: pathOf('deployments', name),
    group: pathOf('groups', name),
    policy: '/setup/policy',
  }
  return { candidate, why, href: hrefs[kind] }
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

function detailsOf({ spec, answerFile, params, groups }: ExplainedDecision): Detail[] {
  const rows: Detail[] = [
    ['Kernel', 'kernel' in spec ? spec.kernel.name : ''],
    ['Initrds', 'initrds' in spec ? spec.initrds.map(({ name }) => name).join(' ') : ''],
    ['File', 'file' in spec && spec.file !== undefined ? spec.file.name : ''],
    ['Method', localMethod(spec)],
    ['Args', 'args' in spec ? spec.args.join(' ') : ''],
    [
      'Answer file',
      answerFile === undefined ? '' : `${answerFile.name}, version ${answerFile.version}`,
      answerFile && pathOf('answer-files', answerFile.name),
    ],
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
