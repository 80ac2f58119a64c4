import { execFile } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const here = new URL('.', import.meta.url).pathname
const bin = join(here, 'node_modules/.bin')

/** The generators of clients, by the name of the program in `programs/`. Each writes `NAME-client.ts`. */
export const generators: Record<string, (document: string, folder: string) => [string, ...string[]]> = {
  'openapi-fetch': (document, folder) => [
    'openapi-typescript',
    document,
    '-o',
    join(folder, 'openapi-fetch-client.ts'),
  ],
  oazapfts: (document, folder) => ['oazapfts', document, join(folder, 'oazapfts-client.ts')],
  'swagger-typescript-api': (document, folder) => [
    'swagger-typescript-api',
    'generate',
    '--silent',
    ...['-p', document, '-o', folder, '-n', 'swagger-typescript-api-client.ts'],
  ],
}

// The usual settings of a program; generated code need not pass stricter ones.
const compilerOptions = {
  target: 'es2022',
  module: 'nodenext',
  lib: ['es2023', 'dom', 'dom.iterable'],
  types: [],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
}

/** Generates the clients of an OpenAPI document, and compiles them with the programs that use them. */
export async function generateClients(document: unknown, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'openapi.json')
  await writeFile(path, JSON.stringify(document))
  for (const [name, command] of Object.entries(generators)) {
    await run(...command(path, folder))
    await copyFile(join(here, 'programs', `${name}.ts`), join(folder, `${name}.ts`))
  }
  const files = Object.keys(generators).map((name) => `${name}.ts`)
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  await run('tsc', '-p', folder)
}

async function run(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(join(bin, program), args, { cwd: here }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${program}: ${error.stdout}${error.stderr}`)
    },
  )
}
