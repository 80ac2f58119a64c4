// Tells statements that only read from all others; client.ts counts the others.

const reads = /^\s*(select|with|show)\b/i
// A statement that reads can contain one that writes (WITH … AS (INSERT …)), or call a function that writes.
const writes = /\b(insert|update|delete|merge|into|nextval|setval|pg_current_xact_id|pg_logical_emit_message)\b/i

/** Whether a statement may change the database. A harmless word may look like a command: then the answer is yes. */
export function mayWrite(text: string): boolean {
  return !reads.test(text) || writes.test(text)
}
