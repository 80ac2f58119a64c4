// Passwords: which are accepted, and how they are hashed and verified.

// @node-rs/argon2 has prebuilt binaries in npm, so an installation needs no compiler.
import { hash, parseOptions, verify } from '@node-rs/argon2'
import { createGate } from '../lib/gate.ts'
import { passwordFault } from './password-rules.ts'

/** The work of Argon2id for a password, as the OWASP Password Storage Cheat Sheet recommends: 19 MiB, 2 passes, 1 thread. */
export type PasswordCost = { memoryCost: number; timeCost: number; parallelism: number }
const usualCost: PasswordCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

// Hashes run on the four threads that Node also uses for files and names of hosts.
const maxAtOnce = 2
const maxWaiting = 32

/** The result of a check. `rehash` is the hash with today's cost, if the stored one has another cost. */
export type Verified = { ok: boolean; rehash?: string }

/** Hashes and verifies passwords, a few at once. Each function rejects with a BusyError if too many calls wait. */
export type Passwords = {
  /** @throws InputError if the password is refused for the person with that name */
  hash: (password: string, name: string, field?: string) => Promise<string>
  /** Takes the same time without a stored hash, so nobody can measure which names exist. */
  verify: (stored: string | null | undefined, password: string) => Promise<Verified>
}

export function createPasswords(cost: PasswordCost = usualCost): Passwords {
  const gate = createGate({ maxAtOnce, maxWaiting })
  const hashOf = (password: string) => gate(() => hash(normal(password), cost))
  // The hash of no person's password: it costs as much as that of a person.
  const nobody = hash('nobody', cost)
  return {
    hash: async (password, name, field = 'password') => {
      const fault = passwordFault(password, name)
      if (fault !== undefined) throw fault(field)
      return hashOf(password)
    },
    verify: async (stored, password) => {
      const against = stored ?? (await nobody)
      const matches = await gate(() => verify(against, normal(password)))
      const ok = matches && stored !== null && stored !== undefined
      return ok && differs(against, cost) ? { ok, rehash: await hashOf(password) } : { ok }
    },
  }
}

function differs(stored: string, cost: PasswordCost): boolean {
  const { memoryCost, timeCost, parallelism } = parseOptions(stored)
  return memoryCost !== cost.memoryCost || timeCost !== cost.timeCost || parallelism !== cost.parallelism
}

/** Keyboards write the same letter in different ways (NIST SP 800-63B, 3.1.1.2 asks for this). */
function normal(password: string): string {
  return password.normalize('NFKC')
}
