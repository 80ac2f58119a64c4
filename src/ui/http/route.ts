// A row of the table of pages.
import type { Action } from '../../auth/may.ts'
import type { PageHandler } from './visit.ts'

/** A page for signed-in people, with the right that it needs. */
export type Route = ['get' | 'post', path: string, PageHandler, Action]
