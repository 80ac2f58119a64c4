import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { makeBootSector } from './boot-sector.ts'

const sectors = 32 * 2048
/** The start of the partition, as today's partitioning programs align it. */
const firstSector = 2048

/** The EFI programs of the disk: the firmware's default (UEFI 2.10, 3.5.1.1), and the program of an installed Debian. */
const programs = { '/EFI/BOOT': 'BOOTX64.EFI', '/EFI/debian': 'grubx64.efi' }

/**
 * Creates the local disk of a machine: 32 MB, with a boot sector for BIOS and an EFI system partition. On BIOS the disk prints
 * the line; on UEFI, with the EFI shell at `shell`, it prints the line and the started program:
 * `the line: \EFI\BOOT\BOOTX64.EFI`.
 */
export async function makeDisk(file: string, line: string, shell: string): Promise<void> {
  const disk = Buffer.alloc(sectors * 512)
  disk.set(makeBootSector(line))
  disk.set(partitionEntry(), 446)
  await writeFile(file, disk)
  const partition = `${file}@@${firstSector * 512}`
  mtools(
    'mformat',
    '-i',
    partition,
    '-T',
    String(sectors - firstSector),
    '-h',
    '64',
    '-s',
    '32',
    '-H',
    String(firstSector),
  )
  mtools('mmd', '-i', partition, '::/EFI', ...Object.keys(programs).map((folder) => `::${folder}`))
  for (const [folder, program] of Object.entries(programs)) {
    const path = `${folder}/${program}`
    mtools('mcopy', '-i', partition, shell, `::${path}`)
    // The shell looks for this file in its start folder (UEFI Shell 2.2, 3.2.1).
    const script = `@echo -off\r\necho "${line}: ${path.replaceAll('/', '\\')}"\r\n`
    mtools('mcopy', { input: script }, '-i', partition, '-', `::${folder}/startup.nsh`)
  }
}

/** The first of a PC's four partitions: not active, of type 0xEF, EFI system partition; sizes only in sectors (UEFI 2.10, 5.2). */
function partitionEntry(): Buffer {
  const entry = Buffer.from([0, 0xfe, 0xff, 0xff, 0xef, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0])
  entry.writeUInt32LE(firstSector, 8)
  entry.writeUInt32LE(sectors - firstSector, 12)
  return entry
}

function mtools(program: string, ...rest: (string | { input: string })[]): void {
  const args = rest.filter((one) => typeof one === 'string')
  const input = rest.find((one) => typeof one !== 'string')?.input ?? ''
  // Without the check mtools refuses geometries that no drive of the 1980s had.
  const env = { ...process.env, MTOOLS_SKIP_CHECK: '1' }
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env, input })
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.trim()}`)
}
