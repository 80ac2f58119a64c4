// /boot-programs: what firmware loads first.
import { countProgramUses } from '../../decide/boot-program-uses.ts'
import { type FirmwareKind, firmwareKinds, nbpFor } from '../../model/firmware/kinds.ts'
import { endpoint } from '../http/endpoint.ts'
import { bootProgramList } from '../schemas/system/boot-program.ts'

export const list = endpoint({
  operationId: 'listBootPrograms',
  action: 'inventory.read',
  summary: 'List the boot programs: their versions, and which firmware gets which',
  description:
    'A file that is added to the folder of boot programs is served after a restart of the server. The choices of the first 20,000 machines are counted.',
  returns: bootProgramList,
  statuses: { 200: 'The boot programs that this server has, and those that are missing' },
  answer: async ({ db, nbps }) => {
    const present = [...nbps.values()]
    const { uses, more } = await countProgramUses(db)
    const useOf = (name: string) => uses.get(name) ?? { machines: 0, groups: [] }
    const items = present.map(({ name, version, builtFor, bytes, sha256 }) => ({
      name,
      ...(version !== undefined && { version }),
      ...(builtFor !== undefined && { builtFor }),
      ...(bytes !== undefined && { sizeBytes: bytes.length }),
      ...(sha256 !== undefined && { sha256 }),
      defaultFor: firmwareKinds.filter(({ code }) => nbpFor(code, present) === name).map(kindOf),
      ...useOf(name),
    }))
    const missing = firmwareKinds
      .filter(({ code, runs }) => runs !== undefined && nbpFor(code, present) === undefined)
      .map((kind) => ({ ...kindOf(kind), expected: [...kind.nbps], meaning: meaningOf(kind) }))
    const absent = [...uses].filter(([name]) => !nbps.has(name)).map(([name, use]) => ({ name, ...use }))
    return { status: 200, body: { items, missing, absent, more } }
  },
})

function kindOf({ code, words, transport }: FirmwareKind) {
  return { code, words, transport }
}

function meaningOf({ words, nbps }: FirmwareKind): string {
  return `machines with ${words} get no boot program from this server. To serve them, add ${nbps.join(' or ')} to the folder of boot programs and restart the server`
}
