// Styles and scripts of the pages: ours, and those of the installed packages. All come from this server, because boot networks have no
// internet.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { programDir } from '../../lib/program-dir.ts'

const packages: Record<string, string[]> = {
  'pico.css': ['@picocss/pico/css/pico.min.css'],
  // One script: htmx looks for its extensions soon after it has loaded, and a second script may arrive later.
  'htmx.js': ['htmx.org/dist/htmx.min.js', 'htmx.org/dist/ext/hx-sse.min.js'],
  'uplot.js': ['uplot/dist/uPlot.iife.min.js'],
  'uplot.css': ['uplot/dist/uPlot.min.css'],
}

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

type Encoding = 'br' | 'gzip' | 'identity'
export type Asset = { type: string; hash: string; body: (encoding: Encoding) => Uint8Array<ArrayBuffer> }

/**
 * The assets by their name, and the URL of each. The URLs change with any content, all at once, so that a script can import another
 * by its name.
 */
export type Assets = { find: (hash: string, name: string) => Asset | undefined; url: (name: string) => string }

/** Reads the assets. Each is compressed when a browser first asks for it, which a start need not wait for. */
export function openAssets(folder = join(programDir, 'src', 'ui', 'public')): Assets {
  const locate = createRequire(import.meta.url).resolve
  const own = readdirSync(folder).map((name): [string, string[]] => [name, [join(folder, name)]])
  const vendored = Object.entries(packages).map(([name, paths]): [string, string[]] => [
    name,
    paths.map((path) => locate(path)),
  ])
  const assets = new Map([...own, ...vendored].map(([name, paths]) => [name, load(name, readAll(paths))]))
  const together = hashOf([...assets].map(([name, { hash }]) => `${name} ${hash}\n`).join(''))
  const require = (name: string): Asset => {
    const asset = assets.get(name)
    if (asset === undefined) throw new Error(`there is no asset ${name}`)
    return asset
  }
  return {
    find: (hash, name) => {
      const asset = assets.get(name)
      return hash === together ? asset : undefined
    },
    url: (name) => {
      require(name)
      return `/assets/${together}/${name}`
    },
  }
}

function readAll(paths: string[]): Buffer {
  return Buffer.concat(paths.flatMap((path, index) => [Buffer.from(index === 0 ? '' : '\n'), readFileSync(path)]))
}

function load(name: string, bytes: Uint8Array): Asset {
  const type = types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
  const bodies = new Map<Encoding, Uint8Array<ArrayBuffer>>()
  return {
    type,
    hash: hashOf(bytes),
    body: (encoding) => {
      const body = bodies.get(encoding) ?? new Uint8Array(encode[encoding](bytes))
      bodies.set(encoding, body)
      return body
    },
  }
}

const encode: Record<Encoding, (bytes: Uint8Array) => Uint8Array> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes, { level: 9 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
}

function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

/** The best encoding that the client accepts. */
export function encodingFor(accepted: string | undefined): Encoding {
  const names = (accepted ?? '').split(',').map((part) => part.trim().split(';')[0])
  return (['br', 'gzip'] as const).find((name) => names.includes(name)) ?? 'identity'
}
