import type { Arch } from '../arch.ts'

/** How an image on its way in stands. */
export const importStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type ImportState = (typeof importStates)[number]

/** What is to be fetched, and made an image of. */
export type ImportPlan =
  | { kind: 'recipe'; recipe: string; archs: Arch[] }
  | { kind: 'url'; url: string; sha256?: string | undefined }
  | { kind: 'file'; sha256: string; name: string }
