// Files of an image's tree, which installers fetch by path. Called by routes.ts.
import { isTreePath } from '../model/image.ts'
import { serveStored } from './files.ts'
import type { BootDeps } from './http/deps.ts'
import { addressOf, type BootContext } from './http/request.ts'

/**
 * `/trees/{image}/{version}/{digest}/{path}`: a file whose URL the installer builds. Many request optional files
 * (RHEL's installer `images/updates.img`), so a missing file is not an error.
 */
export async function serveTreeFile(context: BootContext, deps: BootDeps): Promise<Response> {
  const asked = parseTreeUrl(context.env.incoming.url ?? '')
  const sha256 = asked && (await deps.inventory.findTreeFile(asked.key, asked.path))
  if (sha256 !== undefined) return serveStored(context, deps, sha256, asked?.path ?? '')
  deps.log.debug({ ip: addressOf(context), path: asked?.path }, 'no such file in the tree')
  return context.text('There is no such file in the tree.\n', 404)
}

/** What a URL names, from its bytes as they came: a router may take `%2F` and `..` for more than they are. */
function parseTreeUrl(url: string) {
  const [, image, version, digest, rest] = /^\/trees\/([^/?]+)\/(\d{1,9})\/([0-9a-f]{16})\/([^?#]+)/.exec(url) ?? []
  const path = decode(rest ?? '')
  if (image === undefined || digest === undefined || path === undefined || !isTreePath(path)) return undefined
  return { key: { image, version: Number(version), digest }, path }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
