// The response with a script, which no cache may keep. Called by the handlers of scripts.

const headers = { 'Content-Type': 'text/plain; charset=UTF-8', 'Cache-Control': 'no-store' }

/** A script as a response. Plain headers avoid the Headers objects of Hono's context, which cost 5 µs a request. */
export function scriptResponse(script: string): Response {
  return new Response(script, { headers })
}
