// The change feed: sends new changes to followers.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../db/open.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { findEndedSessions } from '../access/sessions.ts'
import { findRevoked } from '../access/tokens.ts'
import { type ChangeCursor, isKept, isOfTypes, lastChange, listChangesAfter } from './changes.ts'
import type { NamedChange } from './machines.ts'

/** What a follower receives: a change; nothing new for a while; or a reset, because changes after its position were deleted. */
export type Followed = { kind: 'change'; change: NamedChange } | { kind: 'idle' } | { kind: 'reset' }

/** The id of the token or the session with which a client follows. */
export type FeedClient = { token: string } | { session: string }

/** Sends changes of all instances to followers soon after they are made. */
export type ChangeFeed = {
  /**
   * Follows from after a place, else from now on, until the signal is aborted, or the client's token or session is revoked by
   * whichever instance. Undefined when too many follow already.
   */
  follow: (
    after: ChangeCursor | undefined,
    types: string[],
    signal: AbortSignal,
    client?: FeedClient,
  ) => AsyncGenerator<Followed> | undefined
  /**
   * A signal for another stream: it aborts when the token or session is revoked by whichever instance. Call `leave` when the stream
   * ends.
   */
  watch: (client: FeedClient | undefined) => { revoked: AbortSignal; leave: () => void }
  /** Disconnects the followers that use a token or a session. */
  endFollowersOf: (id: string) => void
  stop: () => void
}

const pollMs = 500
const idleMs = 15_000
const revokedMs = 1000
const maxFollowers = 200
const atOnce = 200

/** The feed of a database: one query each half second for all followers, and none without followers. */
export function createChangeFeed(db: Db, log: Logger): ChangeFeed {
  const stopped = new AbortController()
  let followers = 0
  let last: ChangeCursor = { tx: -1, id: -1 }
  let moves = 0
  let moved: Promise<void> | undefined

  // Resolves for all waiting followers when there is something new.
  const nextMove = () => {
    moved ??= untilMoved().finally(() => {
      moved = undefined
    })
    return moved
  }
  const untilMoved = async () => {
    while (!stopped.signal.aborted && followers > 0) {
      await sleep(pollMs)
      const now = await lastChange(db).catch((error: unknown) => {
        log.warn({ error: messageOf(error) }, 'the change feed could not read the database, retrying')
        return last
      })
      if (now.tx === last.tx && now.id === last.id) continue
      last = now
      moves += 1
      return
    }
  }

  /** Aborts the followers of each token and session. */
  const byClient = new Map<string, { client: FeedClient; followers: Set<AbortController> }>()
  const endFollowersOf = (id: string) => {
    for (const ended of byClient.get(id)?.followers ?? []) ended.abort()
  }
  // Every instance asks: a token or a session may have been revoked at another one.
  const watching = setInterval(() => {
    const clients = [...byClient.values()].map(({ client }) => client)
    const tokens = clients.flatMap((client) => ('token' in client ? [client.token] : []))
    const sessions = clients.flatMap((client) => ('session' in client ? [client.session] : []))
    Promise.all([findRevoked(db, tokens), findEndedSessions(db, sessions)]).then(
      (ended) => {
        for (const id of ended.flat()) endFollowersOf(id)
      },
      (error: unknown) =>
        log.warn({ error: messageOf(error) }, 'the change feed could not read the database, retrying'),
    )
  }, revokedMs)
  watching.unref()

  const watchClient: ChangeFeed['watch'] = (client) => {
    const revoked = new AbortController()
    if (client === undefined) return { revoked: revoked.signal, leave: () => {} }
    const id = 'token' in client ? client.token : client.session
    const { followers: ofClient } = byClient.get(id) ?? { followers: new Set<AbortController>() }
    byClient.set(id, { client, followers: ofClient.add(revoked) })
    return {
      revoked: revoked.signal,
      leave: () => {
        ofClient.delete(revoked)
        if (ofClient.size === 0) byClient.delete(id)
      },
    }
  }

  async function* changesAfter(
    after: ChangeCursor | undefined,
    types: string[],
    gone: AbortSignal,
    client: FeedClient | undefined,
  ) {
    followers += 1
    const { revoked, leave } = watchClient(client)
    const signal = AbortSignal.any([gone, revoked])
    try {
      let place = after ?? (await lastChange(db))
      if (after !== undefined && !(await isKept(db, after))) yield { kind: 'reset' as const }
      while (!signal.aborted && !stopped.signal.aborted) {
        const movesBefore = moves
        const found = await listChangesAfter(db, place, atOnce)
        for (const change of found) {
          if (signal.aborted) return
          place = { tx: change.tx, id: change.id }
          if (isOfTypes(change.type, types)) yield { kind: 'change' as const, change }
        }
        // Something may have come while this one was asking.
        if (found.length > 0 || moves !== movesBefore) continue
        const waited = new AbortController()
        const ended = AbortSignal.any([signal, stopped.signal, waited.signal])
        const idle = sleep(idleMs, 'idle' as const, { signal: ended }).catch(() => 'ended' as const)
        const what = await Promise.race([nextMove(), idle])
        waited.abort()
        if (what === 'idle') yield { kind: 'idle' as const }
      }
    } finally {
      followers -= 1
      leave()
    }
  }

  return {
    follow: (after, types, signal, client) =>
      followers >= maxFollowers ? undefined : changesAfter(after, types, signal, client),
    watch: watchClient,
    endFollowersOf,
    stop: () => {
      clearInterval(watching)
      stopped.abort()
    },
  }
}
