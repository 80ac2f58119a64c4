/**
 * A boot sector that prints a line to the first serial port (registers at I/O port 0x3f8) and halts, so that a test sees the
 * local disk boot. The firmware loads it to 0x7c00 in real mode.
 */
export function makeBootSector(line: string): Uint8Array {
  const code = [
    ...[0x31, 0xc0], // xor ax, ax
    ...[0x8e, 0xd8], // mov ds, ax
    ...[0xbe, 0x16, 0x7c], // mov si, 0x7c16, the text after the code
    ...[0xfc], // cld
    ...[0xac], // next: lodsb
    ...[0x84, 0xc0], // test al, al
    ...[0x74, 0x06], // jz halt
    ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
    ...[0xee], // out dx, al
    ...[0xeb, 0xf5], // jmp next
    ...[0xf4], // halt: hlt
    ...[0xeb, 0xfd], // jmp halt
  ]
  const sector = new Uint8Array(512)
  sector.set(code)
  sector.set(Buffer.from(`\r\n${line}\r\n`, 'latin1'), code.length)
  sector.set([0x55, 0xaa], 510)
  return sector
}
