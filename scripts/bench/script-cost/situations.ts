import type { Catalog, CatalogGroup } from '../../../src/model/catalog.ts'
import type { Situation } from '../../../src/model/decision.ts'
import type { Facts } from '../../../src/model/facts.ts'
import type { FileRef } from '../../../src/model/image.ts'
import type { Machine } from '../../../src/model/machine.ts'
import { macOf } from '../inventory.ts'
import type { Program } from './program.ts'

/** The situations of machines in memory: the same groups, image and machines as of the benchmark `scripts`. */
export type Situations = {
  facts: (n: number) => Facts
  find: (facts: Facts) => Situation
  query: (n: number) => string
}

/** The situations for machines that boot this kernel. A machine has a UUID, a serial and a product, as real ones do. */
export function makeSituations(program: Program, kernel: FileRef): Situations {
  const catalog = catalogOf(program, kernel)
  const today = '2026-11-27'
  const machineAt = (n: number): Machine => ({
    id: `018f0000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`,
    macs: [macOf(n)],
    name: `host-${n}`,
    discovered: false,
    discoveredFrom: '',
    denied: false,
    serial: `S${n}`,
    product: 'X1',
    hostname: `host-${n}`,
    labels: { rack: `r${n % 190}` },
    assignment: { image: 'debian-12' },
    facts: factsOf(n),
    revision: 1,
    createdAt: new Date(0),
    updatedAt: new Date(0),
  })
  return {
    facts: factsOf,
    query: queryOf,
    find: (facts) => {
      const n = Number.parseInt((facts.mac ?? '').slice(9).replaceAll(':', ''), 16)
      const identity = program.identify(facts, [{ machine: machineAt(n), claims: [] }])
      const remembered = 'machine' in identity && identity.weak === undefined ? identity.machine.facts : {}
      return {
        ...{ facts: { ...remembered, ...facts }, identity, deployment: undefined, catalog, today },
        secrets: { machine: [], groups: {} },
      }
    },
  }
}

function catalogOf({ compareGroups, compileSelector }: Program, kernel: FileRef): Catalog {
  const groups = Array.from({ length: 200 }, (_, n): CatalogGroup => {
    const selector: CatalogGroup['selector'] =
      n < 190 ? [{ label: 'rack', equals: `r${n}` }] : n < 198 ? [{ fact: 'mac', prefix: `52:54:0${n % 10}` }] : []
    return {
      ...{ name: `g${n}`, priority: n % 7, selector, refuses: compileSelector(selector) },
      assignment: { args: [`g${n}=1`], params: { [`p${n % 20}`]: n } },
    }
  })
  const args = ['console=ttyS0', 'report={{ boot.url }}']
  const image = {
    ...{ name: 'debian-12', version: 1, endOfLife: null, createdAt: new Date(0), installer: null },
    variants: [{ arch: 'x86_64' as const, kind: 'linux' as const, kernel, initrds: [kernel], args }],
  }
  return {
    ...{ revision: 1, policy: { kind: 'local' }, menus: new Map(), answerFiles: new Map(), damaged: new Map() },
    groups: groups.sort(compareGroups),
    images: new Map([[image.name, image]]),
    versions: new Map(),
  }
}

function uuidOf(n: number): string {
  return `4c4c4544-0042-4a10-8058-${(n + 0xb0_0000_0000).toString(16).padStart(12, '0')}`
}

function factsOf(n: number): Facts {
  return {
    ...{ mac: macOf(n), uuid: uuidOf(n), serial: `S${n}`, manufacturer: 'Example Inc.', product: 'X1' },
    ...{ version: '1.21.1+ (g988d2)', ip: '127.0.0.1', platform: 'efi', buildarch: 'x86_64', cpuarch: 'x86_64' },
  }
}

/** The query of the bootstrap (ipxe/bootstrap.ipxe.eta), as iPXE sends it. */
function queryOf(n: number): string {
  const { serial = '', manufacturer = '', product = '', version = '' } = factsOf(n)
  const hex = (text: string) => Buffer.from(text).toString('hex')
  const uri = encodeURIComponent
  return (
    `mac=${macOf(n).replaceAll(':', '-')}&uuid=${uuidOf(n)}&platform=efi&buildarch=x86_64&cpuarch=x86_64` +
    `&version=${uri(version)}&ip=127.0.0.1&sb=00&serial.hex=${hex(serial)}&asset.hex=&manufacturer.hex=${hex(manufacturer)}` +
    `&product.hex=${hex(product)}&hostname.hex=&serial=${serial}&asset=&manufacturer=${uri(manufacturer)}&product=${product}&hostname=`
  )
}
