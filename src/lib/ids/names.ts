// The patterns of names that operators choose. URLs, scripts and messages contain these names unchanged.

/** The name of an image, a group, a menu or an answer file. */
export const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** The name of a param or a secret. Templates use it as an identifier: `params.root_disk`. */
export const variablePattern = /^[a-z][a-z0-9_]{0,62}$/

/** The name of a machine's label. */
export const labelPattern = /^[a-z0-9._/-]{1,63}$/
