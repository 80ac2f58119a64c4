// Renders iPXE scripts from the templates in ipxe/. Pure.
import { asTyped } from '../lib/typed-command.ts'
import type { Platform } from '../model/arch.ts'
import { screenCodes } from '../model/codes/screen-codes.ts'
import type { BootSpec, Decision } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'
import type { FileRef } from '../model/image.ts'
import { renderArgs } from './args.ts'
import { createBootstrap, type WithoutServer } from './bootstrap.ts'
import { menuLabel } from './menu-label.ts'
import { type Names, type NamesContext, namesOf } from './names.ts'
import { createRenderer, type Templates } from './renderer.ts'
import { renderSan } from './san.ts'
import { screenLines, scriptProse } from './words.ts'

/** The context of a script, besides the decision. */
export type ScriptContext = NamesContext & {
  /** What the machine does after a refusal, and after the retries of a failed boot. After a fault of the server it retries. */
  after: 'retry' | 'local' | 'halt'
  /** The names that texts for this boot may use, if the caller needs them too. */
  names?: Names
  /** The names of the documents of the boot's answer file. */
  documents?: string[] | undefined
  /** The command that starts the command line on this server; `bootwright` if undefined. */
  command?: string
}

/** `reports`: an argument carries the boot's token, so the booted system can report. */
export type Script = { text: string; reports: boolean }

export type Scripts = {
  /** The first script of every machine. `base` is empty if iPXE can resolve relative URLs. */
  bootstrap: (base: string) => string
  /** The script for a machine. @throws InputError if an argument is not valid in a script */
  script: (decision: Decision, context: ScriptContext) => Script
  /**
   * The script that opens an iSCSI target with its CHAP passwords. The decision must boot from a target.
   * @throws InputError that lists missing and invalid values, without the values of secrets
   */
  san: (decision: Decision, context: ScriptContext, secrets: Record<string, string>) => string
  /** A script that prints sentences, each wrapped for a console. */
  help: (sentences: string[]) => string
}

/** The base URL of files, for the base URL of the script. */
export type FileBaseOf = (base: string) => string

/** Retries of a failed boot with growing pauses: 10 s, 20 s, … They take two and a half minutes. */
const maxRetries = 5

/** The renderer for a set of templates. Pure: the same input gives the same text. */
export function createScripts(
  templates: Templates,
  withoutServer: WithoutServer = 'local',
  fileBaseOf: FileBaseOf = (base) => base,
): Scripts {
  const render = createRenderer(templates)
  const offlineText = (of: readonly Platform[]) => render('offline', { codes: screenCodes(of), prose: scriptProse })
  const offline = { pcbios: offlineText(['pcbios']), efi: offlineText(['efi']) }

  return {
    bootstrap: createBootstrap(templates, withoutServer),
    script: (decision, context) => {
      const view = { ...viewOf(decision, context, fileBaseOf), offline: offline[decision.target.platform] }
      const reports = view.args?.some((arg) => arg.includes(context.boot.token)) ?? false
      return { text: render(`${decision.spec.kind}.ipxe`, view), reports }
    },
    san: (decision, context, secrets) => {
      const view = { ...sanView(decision, context, secrets), offline: offline[decision.target.platform] }
      return render('san.ipxe', view)
    },
    help: (sentences) => render('help.ipxe', { lines: sentences.flatMap(screenLines) }),
  }
}

/** The data of a template. `args` are the arguments of the boot. */
type View = Record<string, unknown> & { args?: string[] }

function viewOf(decision: Decision, context: ScriptContext, fileBaseOf: FileBaseOf): View {
  const { spec } = decision
  const common = commonView(decision, context)
  if (spec.kind === 'refusal')
    return {
      ...common,
      lines: refusalLines(spec, context),
      ...(spec.fault && { after: 'retry' }),
    }
  if (spec.kind === 'local') return { ...common, method: spec.method }
  if (spec.kind === 'menu') return { ...common, menu: spec, label: menuLabel }
  if (spec.kind === 'wait' || spec.kind === 'shell' || spec.kind === 'reboot') return common
  return { ...common, ...imageView(spec, decision, context, fileBaseOf(context.base)) }
}

function refusalLines({ code, reason, nextStep }: RefusalSpec, context: ScriptContext): string[] {
  const { base, command } = context
  return [
    ...screenLines(`Bootwright: ${reason}`),
    ...screenLines(asTyped(`Next step: ${nextStepFor(nextStep, context)}`, command)),
    ...(code === undefined ? [] : screenLines(`More: ${base}/help/${code}`)),
  ]
}

type RefusalSpec = Extract<BootSpec, { kind: 'refusal' }>

function commonView(decision: Decision, { facts, base, boot, after, command = 'bootwright' }: ScriptContext) {
  return {
    comments: comments(decision),
    headline: headline(decision, facts),
    notices: decision.notices,
    prose: (text: string) => scriptProse(asTyped(text, command)),
    screen: (text: string) => screenLines(asTyped(text, command)),
    maxRetries,
    base,
    reportUrl: `${base}/b/${boot.token}`,
    after,
    platform: decision.target.platform,
    mac: facts.mac ?? 'MAC',
    // iPXE settings that contain secrets. They are cleared if the boot fails, because a person may open the shell.
    forget: [] as string[],
  }
}

type ImageSpec = Extract<BootSpec, { kind: 'linux' | 'wimboot' | 'efi' | 'ipxe' | 'sanboot' }>

function imageView(spec: ImageSpec, decision: Decision, context: ScriptContext, fileBase: string): View {
  const { base, boot, documents = [] } = context
  const names = context.names ?? namesOf(decision, context, documents[0])
  // Only downloads with a stage become events: iPXE reads a disk image in thousands of small ranges.
  const fetched = ({ sha256, name }: FileRef, stage: string | undefined, imageName = name) => ({
    name: imageName,
    shown: shortName(name),
    url: `${fileBase}/files/${sha256}/${name}?boot=${boot.id}${stage === undefined ? '' : `&stage=${stage}`}`,
  })
  if (spec.kind === 'sanboot') {
    if ('file' in spec) return { url: fetched(spec.file, undefined).url }
    return { ...renderSan({ ...spec, chap: undefined }, names), proves: spec.chap !== undefined }
  }
  const initrds = spec.kind === 'linux' ? spec.initrds.map((file, at) => fetched(file, 'initrd', `initrd${at}`)) : []
  // Under UEFI a kernel fetches its initrds from iPXE by name. Under BIOS it gets all of them.
  const efi = decision.target.platform === 'efi'
  const named = efi ? initrds.map((initrd) => `initrd=${initrd.name}`) : []
  // Under UEFI the command line begins with the name of the program (iPXE's efi_image_cmdline).
  const ours = spec.kind === 'linux' && efi ? ['kernel', ...named] : []
  const args = 'args' in spec ? renderArgs(spec.args, names, { withoutArgs: spec.withoutArgs, ours }) : []
  if (spec.kind === 'wimboot') {
    const own = documents.map((name) => ({
      name,
      shown: shortName(name),
      url: `${base}/b/${boot.token}/answer/${name}`,
    }))
    // Windows ignores case in names. A document is for this boot, a file for all boots, so the document wins.
    const replaced = new Set(documents.map((name) => name.toLowerCase()))
    const files = spec.files.filter(({ name }) => !replaced.has(name.toLowerCase()))
    return {
      args,
      wimboot: fetched(spec.wimboot, 'kernel', 'wimboot'),
      files: files.map((file) => fetched(file, 'initrd')),
      documents: own,
    }
  }
  if (spec.kind === 'efi') {
    const file = fetched(spec.file, 'file')
    const url = `${names.tree}/${spec.treePath?.split('/').map(encodeURIComponent).join('/')}?boot=${boot.id}&stage=file`
    return {
      // The arguments are kernel options, which are in boot.cfg.
      args: spec.bootConfig === undefined ? args : ['-c', `${base}/b/${boot.token}/boot.cfg`],
      file: spec.treePath === undefined ? file : { ...file, url },
    }
  }
  if (spec.kind !== 'linux') return { args, file: fetched(spec.file, 'file') }

  return { args: [...named, ...args], kernel: fetched(spec.kernel, 'kernel', 'kernel'), initrds }
}

/** A file name for the console, where a line has 80 columns. */
function shortName(name: string): string {
  return scriptProse(name, 28)
}

function sanView(decision: Decision, context: ScriptContext, secrets: Record<string, string>): object {
  const { spec } = decision
  if (spec.kind !== 'sanboot' || 'file' in spec) throw new Error('this boot does not use an iSCSI target')
  const names: Names = { ...namesOf(decision, context, context.documents?.[0]), secrets }
  const { target, settings } = renderSan(spec, names)
  return { ...commonView(decision, context), target, settings, forget: settings.map(({ name }) => name) }
}

/** A next step with the machine's MAC in place of the word MAC. */
function nextStepFor(nextStep: string, { facts }: ScriptContext): string {
  return facts.mac === undefined ? nextStep : nextStep.replaceAll(/\bMAC\b/g, facts.mac)
}

function headline({ spec, image, machine, target, deployment }: Decision, facts: Facts): string {
  const who = machine?.name ?? facts.mac ?? 'this machine'
  if (spec.kind === 'refusal') return `${who} cannot boot`
  if (spec.kind === 'wait') return `${who} waits: no image is assigned to it`
  if (spec.kind === 'local') return `${who} boots from its local disk`
  if (spec.kind === 'menu') return `${who} shows menu ${spec.menu}`
  if (spec.kind === 'shell') return `${who} opens an iPXE shell`
  if (spec.kind === 'reboot') return `${who} restarts`
  const what = `${image?.name} version ${image?.version}`
  const on = `${target.arch} ${target.platform}`
  if (deployment === undefined) return `${who} boots ${what} (${on})`
  return `${who} installs ${what} (${on}, attempt ${deployment.attempt} of ${deployment.maxAttempts})`
}

/** The maximum number of comment lines with reasons. The decision has all reasons. */
const maxComments = 40

function comments({ reasons }: Decision): string[] {
  const lines = reasons.map(({ candidate, won, why }) => `${won ? 'won' : 'lost'}: ${candidate}: ${why}`)
  const more = lines.length - maxComments
  return more > 0 ? [...lines.slice(0, maxComments), `and ${more} more: bootwright explain`] : lines
}
