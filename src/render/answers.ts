// Answer files, filled in. Pure.
import { type FieldFault, InputError } from '../lib/errors.ts'
import type { AnswerDocument } from '../model/answer-file.ts'
import { checkText, fillText, missingOf } from './liquid.ts'
import type { Names } from './names.ts'

/** The text in a preview in place of a secret. */
export const redacted = '********'

const roots = ['machine', 'params', 'secrets', 'image', 'boot', 'tree']

/**
 * An answer file's documents filled in for one boot. @throws InputError that names, of each document, everything
 * missing
 */
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

/**
 * The names for a preview, or for the check before a script is given out: every secret that is set, and none of their
 * values.
 */
export function withRedactedSecrets(names: Names, secrets: string[]): Names {
  return { ...names, secrets: redactedSecrets(secrets) }
}

/** Secrets by their names, with asterisks for values. */
export function redactedSecrets(names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, redacted]))
}

/** The faults of documents that do not depend on their values, checked when they are saved. @throws InputError */
export function checkAnswers(documents: AnswerDocument[]): void {
  const faults = documents.flatMap((document, index) =>
    checkText(document.text, roots).map((fault) => ({
      field: `documents[${index}].text`,
      value: document.name,
      expected: `Liquid that can be filled in (${fault})`,
    })),
  )
  if (faults.length > 0) throw new InputError(faults)
}

/**
 * Defaults for cloud-init's NoCloud source if the answer file has no such document: meta-data with an instance-id and
 * a host name, which it requires, and an empty vendor-data (cloud-init, sources/DataSourceNoCloud.py).
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
  return { field: `document ${name}`, value: fault, expected: 'every name that it uses to be set' }
}
