// Roles of people and tokens. auth/may.ts says what each may do.

/** From the least to the most rights: each role may do what the roles before it may do. */
export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]
