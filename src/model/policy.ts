// The policy.
import { formatImageRef } from './image.ts'

/** What machines without an assignment boot: the local disk, nothing until they are assigned, a menu, or an image. */
export type Policy =
  | { kind: 'local' }
  | { kind: 'wait' }
  | { kind: 'menu'; menu: string }
  | { kind: 'image'; image: string; version?: number | undefined; everyBoot?: true | undefined }

/** For people: `local`, `wait`, `menu main`, `image debian-12@3`. */
export function formatPolicy(policy: Policy): string {
  if (policy.kind === 'image') return `image ${formatImageRef(policy)}`
  return policy.kind === 'menu' ? `menu ${policy.menu}` : policy.kind
}
