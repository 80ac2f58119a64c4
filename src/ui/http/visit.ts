// A visit: one request of a signed-in person for a page, and what a page answers.
import type { Action } from '../../auth/may.ts'
import type { Principal } from '../../auth/principal.ts'
import { type ApiClient, RefusedError } from './client.ts'
import type { Command } from './commands.ts'
import type { Form } from './form.ts'

export type Visit = {
  /** The API in the name of the person. */
  api: ApiClient
  principal: Principal
  /** Whether the person may do this: pages leave out what the API would refuse. */
  may: (action: Action) => boolean
  params: Record<string, string>
  query: Form
  /** The fields of a POST; empty for a GET. */
  form: Form
  /** The time zone of the browser: minutes east of UTC. */
  utcOffset: number
  /** The path with its query, for links back here. */
  url: string
  /** Aborted when the browser disconnects. */
  signal: AbortSignal
  /** A view as HTML without the frame, for a stream of parts. */
  render: (view: string, data: object) => string
}

/** A page, rendered from a view. */
export type Page = {
  /** The view, such as `machines/list`. */
  view: string
  title: string
  data?: object
  status?: 200 | 404 | 409 | 412 | 422
  /** The same with curl and the command line. */
  commands?: Command[]
  /** True for a page without navigation, such as the wall view. */
  bare?: boolean
  /** For a page that is dark whatever the browser prefers. */
  theme?: 'dark'
}

/** After a change: another page, with a sentence about what was done. */
export type Redirect = { redirect: string; notice?: string }

export type PageHandler = (visit: Visit) => Promise<Page | Redirect | Response>

/** Whether another input could be accepted. 404: the input names something that does not exist. */
export function isCorrectable(error: unknown): error is RefusedError {
  return error instanceof RefusedError && [404, 409, 412, 422].includes(error.status)
}

/**
 * Runs a change. If the API refuses its input, shows the form again with what was entered.
 * @param again the page of the form; it gets the refusal
 */
export async function submit(
  change: () => Promise<Page | Redirect>,
  again: (refusal: RefusedError) => Promise<Page>,
): Promise<Page | Redirect> {
  try {
    return await change()
  } catch (error) {
    if (!isCorrectable(error)) throw error
    const { status } = error
    return { ...(await again(error)), status: status === 409 || status === 412 ? status : 422 }
  }
}
