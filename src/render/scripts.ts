import { Eta } from 'eta'
import type { Decision } from '../inventory/decision.ts'
import type { Facts } from '../inventory/facts.ts'
import type { FileRef } from '../inventory/images.ts'
import { renderArgs } from './args.ts'
import { type NamesContext, namesOf } from './names.ts'
import { scriptProse, scriptWord } from './words.ts'

/** The texts of `ipxe/`, by file name without endings: `linux`, `why`, … */
export type Templates = Record<string, string>

/** What a script is made from, besides the decision. */
export type ScriptContext = NamesContext & {
  /** What the machine does when its boot fails or is refused. */
  after: 'retry' | 'local' | 'halt'
  /** The name of the first document of the boot's answer file. */
  firstDocument?: string | undefined
}

export type Scripts = {
  /** The script that every machine gets first; `base` is empty where iPXE can resolve relative URLs. */
  bootstrap: (base: string) => string
  /** The script for one machine. @throws InputError when an argument cannot stand in a script */
  script: (decision: Decision, context: ScriptContext) => string
}

/** The renderer over a set of templates. Pure: the same input gives the same text. */
export function createScripts(templates: Templates): Scripts {
  const eta = new Eta({
    autoTrim: false,
    autoEscape: true,
    escapeFunction: (value) => scriptWord(String(value)),
    cache: true,
    rmWhitespace: false,
  })
  for (const [name, text] of Object.entries(templates)) eta.loadTemplate(`@${name}`, tidy(text))
  const render = (name: string, view: object) => eta.render(`@${name}`, view)

  return {
    bootstrap: (base) => render('bootstrap.ipxe', { base }),
    script: (decision, context) => render(`${decision.spec.kind}.ipxe`, viewOf(decision, context)),
  }
}

// A tag alone on its line stands for no line at all, so that templates can be laid out to be read.
function tidy(template: string): string {
  return template
    .replaceAll(/^[ \t]*(<%(?![=~])[^\n]*?%>)[ \t]*\n/gm, '$1')
    .replaceAll(/^(<%~ include\([^\n]*?%>)\n/gm, '$1')
}

function viewOf(decision: Decision, context: ScriptContext): object {
  const { facts, base, boot, after, firstDocument } = context
  const { spec, target } = decision
  const reportUrl = `${base}/b/${boot.token}`
  const fetched = (file: FileRef, stage: string, name = file.name) => ({
    name,
    url: `${base}/files/${file.sha256}/${file.name}?boot=${boot.id}&stage=${stage}`,
  })
  const common = {
    comments: comments(decision),
    headline: headline(decision, facts),
    notices: decision.notices,
    prose: scriptProse,
    base,
    reportUrl,
    after,
    platform: target.platform,
    mac: facts.mac ?? 'MAC',
  }
  if (spec.kind === 'refusal') return { ...common, reason: spec.reason, nextStep: spec.nextStep }
  if (spec.kind === 'local') return { ...common, method: spec.method }
  if (spec.kind === 'menu')
    return { ...common, menu: spec, label: (text: string) => scriptProse(text.replace(/^[\s-]+/, '')) }
  if (spec.kind === 'wait' || spec.kind === 'shell' || spec.kind === 'reboot') return common
  const args = 'args' in spec ? renderArgs(spec.args, namesOf(decision, context, firstDocument)) : []
  if (spec.kind !== 'linux') return { ...common, args, file: fetched(spec.file, 'file') }

  const initrds = spec.initrds.map((file, index) => fetched(file, 'initrd', `initrd${index}`))
  // A kernel started by UEFI asks iPXE for its initrds by name; one started by BIOS is handed them all.
  const named = target.platform === 'efi' ? initrds.map((initrd) => `initrd=${initrd.name}`) : []
  return { ...common, args: [...named, ...args], kernel: fetched(spec.kernel, 'kernel', 'kernel'), initrds }
}

function headline({ spec, image, machine, target, deployment }: Decision, facts: Facts): string {
  const who = machine?.name ?? facts.mac ?? 'this machine'
  if (spec.kind === 'refusal') return `${who} cannot boot`
  if (spec.kind === 'wait') return `${who} waits: no image is assigned to it`
  if (spec.kind === 'local') return `${who} boots from its own disk`
  if (spec.kind === 'menu') return `${who} is shown menu ${spec.menu}`
  if (spec.kind === 'shell') return `${who} opens a shell of iPXE`
  if (spec.kind === 'reboot') return `${who} restarts`
  const what = `${image?.name} version ${image?.version}`
  const on = `${target.arch} ${target.platform}`
  if (deployment === undefined) return `${who} boots ${what} (${on})`
  return `${who} installs ${what} (${on}, attempt ${deployment.attempt} of ${deployment.maxAttempts})`
}

/** Lines that one script has at most to say why; the decision itself has them all. */
const mostComments = 40

function comments({ reasons }: Decision): string[] {
  const lines = reasons.map(({ candidate, won, why }) => `${won ? 'won' : 'lost'}: ${candidate}: ${why}`)
  const more = lines.length - mostComments
  return more > 0 ? [...lines.slice(0, mostComments), `and ${more} more: bootwright explain`] : lines
}
