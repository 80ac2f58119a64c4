// Answer files.

/** A text that an installer fetches: its name in the URL, its media type, and its Liquid. */
export type AnswerDocument = { name: string; mediaType: string; text: string }

/** The answers to an installer's questions: a document, or several for cloud-init, with the current version. */
export type AnswerFile = {
  name: string
  title: string
  version: number
  documents: AnswerDocument[]
  revision: number
  createdAt: Date
  updatedAt: Date
}

export const maxDocuments = 8
export const defaultMediaType = 'text/plain; charset=utf-8'
