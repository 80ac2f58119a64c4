// Serves answer files to installers whose URL is fixed in their medium. Called by routes.ts.
import { whyNoAnswers } from '../inventory/boots/answer-access.ts'
import { parseMac } from '../lib/ids/mac.ts'
import { answerDocument, machineFields, noteRefused } from './answer-files.ts'
import type { BootDeps } from './http/deps.ts'
import type { FairTurns } from './http/fair-turns.ts'
import { addressOf, type BootContext } from './http/request.ts'

/** Maximum size of an installer's facts about its machine. Proxmox VE's installer sends some kilobytes. */
const maxBodyBytes = 262_144
const maxMacs = 64
const maxDepth = 8

/**
 * `POST /answer/{document}`: for installers whose URL is fixed in their medium (Proxmox VE) and contains no token. The posted
 * JSON contains the machine's MAC. Because a MAC is not secret, the machine gets an answer only during its boot, and only at
 * the address that fetched the boot's script. Settings cannot relax this.
 */
export async function serveStableAnswer(context: BootContext, deps: BootDeps, inTurn: FairTurns): Promise<Response> {
  context.header('Cache-Control', 'no-store')
  const posted = await readJson(context.req.raw.body)
  if (posted === undefined)
    return context.text(`Expected JSON of at most ${maxBodyBytes} bytes that names a MAC address.\n`, 400)
  return inTurn(addressOf(context), () => findStableAnswer(context, deps, posted))
}

async function findStableAnswer(context: BootContext, deps: BootDeps, posted: unknown): Promise<Response> {
  const name = context.req.param('document') ?? ''
  const ip = addressOf(context)
  const keys = keysIn(posted)
  const boot = await deps.inventory.findAnsweredBoot(keys, ip)
  const why =
    boot === undefined
      ? 'no machine with this MAC or UUID has a running boot with an answer file'
      : whyNoAnswers(boot, ip, false)
  if (boot !== undefined && why === undefined)
    return answerDocument(context, deps, { boot, token: deps.sealer.tokenOf(boot.id), ip }, name, 'answer')
  deps.log.warn(
    { ip, boot: boot?.id, mac: keys.macs[0], ...(boot && machineFields(boot)), document: name.slice(0, 64), why },
    'answer file refused',
  )
  if (boot !== undefined && why !== undefined)
    noteRefused(deps, boot.id, ip, name, `${why}; configure DHCP to give iPXE and the installer the same address`)
  return context.text('No answer file here: this machine has no running boot at this address.\n', 404)
}

/** Reads JSON; undefined if it is invalid or too long. */
async function readJson(body: ReadableStream<Uint8Array> | null): Promise<unknown> {
  const parts: Uint8Array[] = []
  let total = 0
  for await (const part of body ?? []) {
    total += part.length
    if (total > maxBodyBytes) return undefined
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    return undefined
  }
}

/** All MACs in a value, and the UUIDs of fields whose name ends with uuid. */
function keysIn(posted: unknown): { macs: string[]; uuids: string[] } {
  const macs = new Set<string>()
  const uuids = new Set<string>()
  const look = (value: unknown, name: string, depth: number) => {
    if (macs.size + uuids.size >= maxMacs || depth > maxDepth) return
    if (typeof value === 'string') {
      const mac = value.length <= 64 ? parseMac(value) : undefined
      if (mac !== undefined) macs.add(mac)
      else if (/uuid$/i.test(name) && value.length <= 64) uuids.add(value.toLowerCase())
    } else if (value !== null && typeof value === 'object')
      for (const [key, item] of Object.entries(value)) look(item, key, depth + 1)
  }
  look(posted, '', 0)
  return { macs: [...macs], uuids: [...uuids] }
}
