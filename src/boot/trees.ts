// Serves files of an image's tree, which installers fetch by path. Called by routes.ts.
import { isTreePath } from '../model/image.ts'
import { serveStored } from './files.ts'
import type { BootDeps } from './http/deps.ts'
import { addressOf, type BootContext } from './http/request.ts'

/**
 * `/trees/{image}/{version}/{digest}/{path}`: a file whose URL the installer builds. Many installers try optional files, such
 * as RHEL's installer `images/updates.img`. So a missing file is not an error.
 */
export async function serveTreeFile(context: BootContext, deps: BootDeps): Promise<Response> {
  const request = parseTreeUrl(context.env.incoming.url ?? '')
  const sha256 = request && (await deps.inventory.findTreeFile(request.key, request.path))
  if (sha256 !== undefined) return serveStored(context, deps, sha256, request?.path ?? '')
  deps.log.debug({ ip: addressOf(context), path: request?.path }, 'file not in the tree')
  return context.text('No such file in the tree.\n', 404)
}

/** Parses the URL as received, because a router may interpret `%2F` and `..`. */
function parseTreeUrl(url: string) {
  const [, image, version, digest, encodedPath] =
    /^\/trees\/([^/?]+)\/(\d{1,9})\/([0-9a-f]{16})\/([^?#]+)/.exec(url) ?? []
  const path = decode(encodedPath ?? '')
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
