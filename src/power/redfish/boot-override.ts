// The next boot from the network: the boot override of a ComputerSystem (DSP2046, Boot).
import { setTimeout as wait } from 'node:timers/promises'
import { PowerError, type PowerResult } from '../port.ts'
import { type BmcAnswer, type BmcHttp, refusalOf } from './http.ts'
import type { PoweredSystem } from './reset.ts'
import { linkIn, objectIn, textIn, textsIn } from './resource.ts'
import { type BmcSystem, readSystem } from './system.ts'

/** The targets of a network boot, the most usual first. */
const targets = ['Pxe', 'UefiHttp']
const maxLooks = 3

/** Sets the boot override to the network, once. @throws PowerError if the BMC refuses or ignores it */
export async function bootFromNetwork({ http, system, times, signal }: PoweredSystem): Promise<PowerResult> {
  const allowed = textsIn(objectIn(system.body.Boot)['BootSourceOverrideTarget@Redfish.AllowableValues'])
  const target = targets.find((each) => allowed?.includes(each) ?? true)
  if (target === undefined)
    throw new PowerError(`the BMC offers no network boot. Its boot targets: ${allowed?.join(', ') || 'none'}`)
  const place = await placeOfBoot(http, system)
  const body = { Boot: { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: target } }
  const answer = await patch(http, place, body)
  if (answer.status < 200 || answer.status >= 300)
    throw new PowerError(`the BMC refused a network boot (${target}, Once): ${refusalOf(answer)}`)
  for (let looks = 1; ; looks++) {
    const now = objectIn((await readSystem(http, place.path)).body.Boot)
    const enabled = textIn(now.BootSourceOverrideEnabled) ?? 'nothing'
    if (now.BootSourceOverrideTarget === target && enabled !== 'Disabled')
      return { message: resultText(target, enabled) }
    if (looks === maxLooks)
      throw new PowerError(
        `the BMC accepted a network boot (${target}, Once), but reports ${textIn(now.BootSourceOverrideTarget) ?? 'nothing'}, ${enabled}`,
      )
    await wait(times.pollMs, undefined, { signal })
  }
}

/** Some services report `Continuous` for every override. A network boot too many asks Bootwright, which answers with local boot. */
function resultText(target: string, enabled: string): string {
  const note = enabled === 'Once' ? '' : `, and the BMC reports ${enabled} instead of Once`
  return `the next boot is from the network (${target})${note}`
}

/** Where the boot override is set: the system, or its settings resource if that has one (DSP0266, "Settings resource"). */
async function placeOfBoot(http: BmcHttp, system: BmcSystem): Promise<BmcSystem> {
  const settings = linkIn(objectIn(system.body['@Redfish.Settings']).SettingsObject)
  if (settings === undefined) return system
  const pending = await readSystem(http, settings)
  return 'BootSourceOverrideTarget' in objectIn(pending.body.Boot) ? pending : system
}

/**
 * PATCH with If-Match (DSP0266: a service may demand it). A strong comparison fails with a weak entity tag (RFC 9110, 13.1.1), so the
 * tag is then sent as a strong one, and at last read again.
 */
async function patch(http: BmcHttp, { path, etag }: BmcSystem, body: unknown): Promise<BmcAnswer> {
  const send = (tag: string | undefined) =>
    http.send('PATCH', path, { body, ...(tag !== undefined && { headers: { 'if-match': tag } }) })
  const first = await send(etag)
  if (first.status !== 412) return first
  if (etag?.startsWith('W/')) {
    const second = await send(etag.slice(2))
    if (second.status !== 412) return second
  }
  const newest = await readSystem(http, path)
  return send(newest.etag?.replace(/^W\//, ''))
}
