// Normalizes file names from firmware. Pure; called by server.ts.

/**
 * A file name from firmware in its normal form: with slashes instead of backslashes, without `.`, repeated and leading
 * slashes. Old Intel ROMs send a byte above 0x7E after the name, which is removed. Undefined if the name has `..` or control
 * characters. Names are looked up in a list, never on a disk.
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
