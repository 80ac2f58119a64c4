// An answer file as a machine's installer would get it, before it is saved. Called by the API.
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { LatestDeployment } from '../../model/deployment.ts'
import type { Facts } from '../../model/facts.ts'
import { type DocumentFault, findDocumentFaults } from '../../render/answers.ts'
import { type AnswerDeps, type Asking, answerSituation } from '../answer.ts'
import { decide } from '../decision.ts'
import { withDocuments } from './drafts.ts'

export type AnswerDraft = {
  name: string
  documents: AnswerDocument[]
  /** The image to install; undefined for the image that the machine boots now. */
  image?: string | undefined
}

export type AnswerPreview = {
  /** The rendered documents, with asterisks for secrets. Empty if there are faults. */
  items: AnswerDocument[]
  faults: DocumentFault[]
  /** The image that the documents are rendered for; undefined if the machine boots none. */
  image?: string | undefined
  /** Why the machine would be refused, besides the faults. */
  refusal?: string | undefined
}

/** Renders the documents as if a deployment with this answer file were armed for the machine. Changes nothing. */
export async function previewAnswerFile(
  deps: AnswerDeps,
  facts: Facts,
  asking: Asking,
  { name, documents, image: given }: AnswerDraft,
): Promise<AnswerPreview> {
  const current = await deps.inventory.findSituation(facts)
  const image = given ?? decide(current).decision.image?.name
  const situation = image === undefined ? current : await deps.inventory.findSituation(facts, supposedOf(image, name))
  const {
    names,
    decision,
    documents: items,
  } = await answerSituation(deps, withDocuments(situation, name, documents), asking)
  const isUsed = decision.answerFile?.name === name
  // Without the answer file, the names of its URLs are missing too, and would be reported as faults.
  const faults = findDocumentFaults(documents, isUsed ? names : undefined)
  if (faults.length > 0) return { items: [], faults, image }
  const { spec } = decision
  if (spec.kind === 'refusal') return { items: [], faults, image, refusal: `${spec.reason}; ${spec.nextStep}` }
  return isUsed ? { items, faults, image } : { items: [], faults, image, refusal: whyNotUsed(image) }
}

function whyNotUsed(image: string | undefined): string {
  return image === undefined
    ? 'the machine boots no image now, so no installer would read the answer file. Next step: name an image for the preview'
    : `the machine would boot, but not install image ${image} with this answer file`
}

function supposedOf(image: string, answerFile: string): LatestDeployment {
  return {
    ...{ id: 'preview', image, version: null, assignment: { answerFile }, maxAttempts: 1, windowSeconds: 86_400 },
    ...{ state: 'armed', attempts: 0, reason: null, late: false },
  }
}
