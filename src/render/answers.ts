// Renders answer files. Pure.
import { type FieldFault, InputError } from '../lib/errors.ts'
import type { AnswerDocument } from '../model/answer-file.ts'
import { checkText, fillText, findTextFaults, missingOf, type TextFault } from './liquid.ts'
import type { Names } from './names.ts'

/** Replaces a secret in previews. */
export const redacted = '********'

const roots = ['machine', 'params', 'secrets', 'image', 'boot', 'tree']

/** Renders an answer file's documents for a boot. @throws InputError that lists everything missing in each document */
export function renderAnswers(documents: AnswerDocument[], names: Names): AnswerDocument[] {
  const faults: FieldFault[] = []
  const missing: string[] = []
  const rendered = documents.map((document) => {
    const filled = fillText(document.text, names)
    if (!('faults' in filled)) return { ...document, text: filled.text }
    faults.push(...filled.faults.map(({ message }) => faultOf(document, message)))
    missing.push(...missingOf(filled.faults))
    return document
  })
  if (faults.length > 0) throw new InputError(faults, missing)
  return rendered
}

/** The names for previews and checks: every secret has its name, but not its value. */
export function withRedactedSecrets(names: Names, secrets: string[]): Names {
  return { ...names, secrets: redactedSecrets(secrets) }
}

/** Secrets by their names, with asterisks for values. */
export function redactedSecrets(names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, redacted]))
}

/** Checks documents before they are saved, without the values of a boot. @throws InputError */
export function checkAnswers(documents: AnswerDocument[]): void {
  const faults = documents.flatMap((document, index) =>
    checkText(document.text, roots).map((fault) => ({
      field: `documents[${index}].text`,
      value: document.name,
      expected: `valid Liquid (${fault})`,
    })),
  )
  if (faults.length > 0) throw new InputError(faults)
}

/** A fault of a document, and its place. */
export type DocumentFault = TextFault & { document: string }

/** The faults of documents with their places: those of every boot, and, with the names of a boot, those of this boot. */
export function findDocumentFaults(documents: AnswerDocument[], names?: Names): DocumentFault[] {
  return documents.flatMap(({ name, text }) => {
    const always = findTextFaults(text, roots)
    const filled = always.length > 0 || names === undefined ? undefined : fillText(text, names)
    const faults = filled !== undefined && 'faults' in filled ? filled.faults : always
    return faults.map((fault) => ({ document: name, ...fault }))
  })
}

/**
 * The default documents of cloud-init's NoCloud source: meta-data with an instance-id and a host name, which cloud-init
 * requires, and an empty vendor-data (cloud-init, sources/DataSourceNoCloud.py).
 */
export function defaultNocloud(name: string, { machine, boot }: Names): string | undefined {
  if (name === 'vendor-data') return ''
  if (name !== 'meta-data') return undefined
  const lines = [
    `instance-id: ${boot.instance_id}`,
    ...(machine.hostname ? [`local-hostname: ${machine.hostname}`] : []),
  ]
  return `${lines.join('\n')}\n`
}

function faultOf({ name }: AnswerDocument, fault: string): FieldFault {
  return { field: `document ${name}`, value: fault, expected: 'valid Liquid whose names have values' }
}
