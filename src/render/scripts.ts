import { Eta } from 'eta'
import type { Decision } from '../inventory/decision.ts'
import type { Facts } from '../inventory/facts.ts'
import type { FileRef } from '../inventory/images.ts'
import { type Names, renderArgs } from './args.ts'
import { scriptProse, scriptWord } from './words.ts'

/** The texts of `ipxe/`, by file name without endings: `linux`, `why`, … */
export type Templates = Record<string, string>

/** What a script is made from, besides the decision. */
export type ScriptContext = {
  facts: Facts
  /** `http://host:port` of the boot server, as this machine reaches it. */
  base: string
  /** The boot's id and token; both `preview` in a preview. */
  boot: { id: string; token: string }
  /** What the machine does when its boot fails or is refused. */
  after: 'retry' | 'local' | 'halt'
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
  const { facts, base, boot, after } = context
  const { spec, target } = decision
  const reportUrl = `${base}/b/${boot.token}`
  const fetched = (file: FileRef, stage: string, name = file.name) => ({
    name,
    url: `${base}/files/${file.sha256}/${file.name}?boot=${boot.id}&stage=${stage}`,
  })
  const common = {
    comments: comments(decision),
    headline: headline(decision, facts),
    prose: scriptProse,
    base,
    reportUrl,
    after,
    platform: target.platform,
    mac: facts.mac ?? 'MAC',
  }
  if (spec.kind === 'refusal') return { ...common, reason: spec.reason, nextStep: spec.nextStep }
  if (spec.kind === 'local' || spec.kind === 'wait') return common
  const args = 'args' in spec ? renderArgs(spec.args, names(decision, context)) : []
  if (spec.kind !== 'linux') return { ...common, args, file: fetched(spec.file, 'file') }

  const initrds = spec.initrds.map((file, index) => fetched(file, 'initrd', `initrd${index}`))
  // A kernel started by UEFI asks iPXE for its initrds by name; one started by BIOS is handed them all.
  const named = target.platform === 'efi' ? initrds.map((initrd) => `initrd=${initrd.name}`) : []
  return { ...common, args: [...named, ...args], kernel: fetched(spec.kernel, 'kernel', 'kernel'), initrds }
}

function names({ machine, image }: Decision, { facts, base, boot }: ScriptContext): Names {
  return {
    machine: {
      ...(machine && { id: machine.id, name: machine.name, ...(machine.hostname && { hostname: machine.hostname }) }),
      ...(facts.mac && { mac: facts.mac }),
      ...(facts.uuid && { uuid: facts.uuid }),
      ...(facts.serial && { serial: facts.serial }),
      labels: machine?.labels ?? {},
    },
    image: image ?? { name: '', version: 0 },
    boot: { id: boot.id, url: `${base}/b/${boot.token}` },
  }
}

function headline({ spec, image, machine, target }: Decision, facts: Facts): string {
  const who = machine?.name ?? facts.mac ?? 'this machine'
  if (spec.kind === 'refusal') return `${who} cannot boot`
  if (spec.kind === 'wait') return `${who} waits: no image is assigned to it`
  if (spec.kind === 'local') return `${who} boots from its own disk`
  return `${who} boots ${image?.name} version ${image?.version} (${target.arch} ${target.platform})`
}

function comments({ reasons }: Decision): string[] {
  return reasons.map(({ candidate, won, why }) => `${won ? 'won' : 'lost'}: ${candidate}: ${why}`)
}
