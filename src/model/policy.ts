// The policy for machines without an assignment.

/** The fallback for machines without an assignment: the local disk, wait until assigned, a menu, or an image. */
export type Policy =
  | { kind: 'local' }
  | { kind: 'wait' }
  | { kind: 'menu'; menu: string }
  | { kind: 'image'; image: string; everyBoot?: true | undefined }

/** For people: `local`, `wait`, `menu main`, `image debian-12`. */
export function formatPolicy(policy: Policy): string {
  if (policy.kind === 'image') return `image ${policy.image}`
  return policy.kind === 'menu' ? `menu ${policy.menu}` : policy.kind
}
