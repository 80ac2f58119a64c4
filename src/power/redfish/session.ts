// Authentication at a BMC (DSP0266, "Authentication"): a session, or basic authentication where there are no sessions.
import { PowerError } from '../port.ts'
import { type BmcHttp, refusalOf, requireOk } from './http.ts'
import { linkIn } from './resource.ts'

export type Credentials = { username: string; password: string }

/** The headers of a signed-in client, and the end of its session. */
export type SignedIn = { headers: Record<string, string>; close: (http: BmcHttp) => Promise<void> }

/**
 * Signs in. BMCs permit few sessions, so each must be closed. A refused password is not tried again in another way, because BMCs lock
 * accounts after a few failures.
 * @param root the service root, which needs no authentication
 * @throws PowerError
 */
export async function signIn(
  http: BmcHttp,
  root: Record<string, unknown>,
  credentials: Credentials,
): Promise<SignedIn> {
  const { username, password } = credentials
  const basic = {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    close: async () => {},
  }
  const sessions = linkIn((root.Links as Record<string, unknown> | undefined)?.Sessions)
  if (sessions === undefined) return basic
  const answer = await http.send('POST', sessions, { body: { UserName: username, Password: password } })
  if ([400, 401, 403].includes(answer.status))
    throw new PowerError(`the BMC refused the user name or the password: ${refusalOf(answer)}`)
  if ([404, 405, 501].includes(answer.status)) return basic
  const token = requireOk(answer, 'to open a session').headers['x-auth-token']
  const location = answer.headers.location
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new PowerError('the BMC opened a session without an X-Auth-Token')
  const path = linkIn(answer.body) ?? (location === undefined ? undefined : pathOf(location))
  return {
    headers: { 'x-auth-token': token },
    close: async (closing) => {
      if (path !== undefined) await closing.send('DELETE', path).catch(() => {})
    },
  }
}

/** The path of an absolute or relative URL. Only the path is used: the host stays that of the operator. */
export function pathOf(location: string): string | undefined {
  return URL.canParse(location, 'http://bmc') ? new URL(location, 'http://bmc').pathname : undefined
}
