// The change feed: sends new changes to followers.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../db/open.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { findRevoked } from '../access/tokens.ts'
import { type ChangeCursor, isKept, isOfTypes, lastChange, listChangesAfter } from './changes.ts'
import type { NamedChange } from './machines.ts'

/** What a follower receives: a change; nothing new for a while; or a reset, because changes after its position were deleted. */
export type Followed = { kind: 'change'; change: NamedChange } | { kind: 'idle' } | { kind: 'reset' }

/** Sends changes of all instances to followers soon after they are made. */
export type ChangeFeed = {
  /**
   * Follows from after a place, else from now on, until the signal is aborted or the token with that id is revoked, by
   * whichever instance. Undefined when too many follow already.
   */
  follow: (
    after: ChangeCursor | undefined,
    types: string[],
    signal: AbortSignal,
    token?: string,
  ) => AsyncGenerator<Followed> | undefined
  /** A signal for another stream: it aborts when the token is revoked, by whichever instance. Call `leave` when the stream ends. */
  watch: (token: string | undefined) => { revoked: AbortSignal; leave: () => void }
  /** Disconnects the followers that use a token. */
  endFollowersOf: (token: string) => void
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

  /** Aborts the followers of each token. */
  const byToken = new Map<string, Set<AbortController>>()
  const endFollowersOf = (token: string) => {
    for (const ended of byToken.get(token) ?? []) ended.abort()
  }
  // Every instance asks: a token may have been revoked at another one.
  const watching = setInterval(() => {
    findRevoked(db, [...byToken.keys()]).then(
      (revoked) => {
        for (const token of revoked) endFollowersOf(token)
      },
      (error: unknown) =>
        log.warn({ error: messageOf(error) }, 'the change feed could not read the database, retrying'),
    )
  }, revokedMs)
  watching.unref()

  const watchToken: ChangeFeed['watch'] = (token) => {
    const revoked = new AbortController()
    if (token !== undefined) byToken.set(token, (byToken.get(token) ?? new Set()).add(revoked))
    return {
      revoked: revoked.signal,
      leave: () => {
        const ofToken = token === undefined ? undefined : byToken.get(token)
        ofToken?.delete(revoked)
        if (token !== undefined && ofToken?.size === 0) byToken.delete(token)
      },
    }
  }

  async function* changesAfter(
    after: ChangeCursor | undefined,
    types: string[],
    gone: AbortSignal,
    token: string | undefined,
  ) {
    followers += 1
    const { revoked, leave } = watchToken(token)
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
    follow: (after, types, signal, token) =>
      followers >= maxFollowers ? undefined : changesAfter(after, types, signal, token),
    watch: watchToken,
    endFollowersOf,
    stop: () => {
      clearInterval(watching)
      stopped.abort()
    },
  }
}
