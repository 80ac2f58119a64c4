// The URLs of the pages about answer files.
import type { Route } from '../../http/route.ts'
import * as answers from './answers.ts'
import * as edit from './edit.ts'

export const answerFilePages: Route[] = [
  ['get', '/answer-files', answers.list, 'inventory.read'],
  ['get', '/new/answer-file', edit.newPage, 'answer-files.edit'],
  ['post', '/new/answer-file', edit.save, 'answer-files.edit'],
  ['post', '/new/answer-file/preview', edit.preview, 'answer-files.edit'],
  ['get', '/answer-files/:name', edit.get, 'inventory.read'],
  ['post', '/answer-files/:name', edit.save, 'answer-files.edit'],
  ['post', '/answer-files/:name/preview', edit.preview, 'answer-files.edit'],
  ['get', '/answer-files/:name/versions', answers.versions, 'inventory.read'],
  ['post', '/answer-files/:name/versions', answers.useVersion, 'answer-files.edit'],
  ['get', '/answer-files/:name/delete', answers.deletePage, 'answer-files.edit'],
  ['post', '/answer-files/:name/delete', answers.remove, 'answer-files.edit'],
]
