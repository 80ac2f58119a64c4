// File names as firmware sends them. Pure; called by server.ts.
/**
 * A file name as firmware sends it, in the one form that the closed list knows: backslashes as slashes, repeated and
 * leading slashes and `.` dropped. Old Intel ROMs send a byte 0xFF (or another past 0x7E) behind the name: dropped as
 * well. Undefined for what leaves its folder or has control characters. It is looked up in a list, never on a disk.
 */
export function cleanName(file: Buffer): string | undefined {
  let end = file.length
  while (end > 0 && (file[end - 1] as number) > 0x7e) end--
  const parts = file
    .subarray(0, end)
    .toString('latin1')
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  const name = parts.join('/')
  return name === '' || parts.includes('..') || /[^\x20-\x7e]/.test(name) ? undefined : name
}
