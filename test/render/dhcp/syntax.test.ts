import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { renderDhcpConfig } from '../../../src/render/dhcp/render.ts'
import type { SiteFacts } from '../../../src/render/dhcp/site.ts'
import { hasTool } from '../../helpers/needs.ts'

const names = ['undionly.kpxe', 'snponly.efi', 'ipxe.efi', 'ipxe-arm64.efi', 'ipxe-riscv64.efi', 'ipxe-i386.efi']
const site: SiteFacts = {
  address: '192.0.2.10',
  baseUrl: 'http://192.0.2.10:8080',
  tftpPort: 69,
  nbps: names.map((name) => ({ name })),
}
const choices = Array.from({ length: 500 }, (_, n) => ({
  mac: `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`,
  bootProgram: 'ipxe.efi',
})) as Required<SiteFacts>['choices']
const sites: [string, SiteFacts][] = [
  ['whole', site],
  ['with 500 machines of their own', { ...site, choices }],
  ['without TFTP', { ...site, tftpPort: undefined }],
  ['without boot programs', { ...site, nbps: [] }],
  ['with a base URL by name', { ...site, baseUrl: 'http://boot.example.com' }],
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-dhcp-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs a program's own check of a file. Returns its output if it refuses the file. */
async function checkWith(command: string, args: (path: string) => string[], text: string): Promise<string | undefined> {
  const path = join(folder, 'checked.conf')
  await writeFile(path, text)
  const { status, stdout, stderr, error } = spawnSync(command, args(path), { encoding: 'utf8' })
  return status === 0 ? undefined : `${error?.message ?? ''}${stdout}${stderr}`
}

test.runIf(hasTool('dnsmasq', 'dnsmasq-base')).each(sites)('dnsmasq accepts its texts: %s', async (_, facts) => {
  for (const server of ['dnsmasq', 'dnsmasq-proxy'] as const)
    expect(
      await checkWith('dnsmasq', (path) => ['--test', `--conf-file=${path}`], renderDhcpConfig(server, facts)),
    ).toBeUndefined()
})

test.runIf(hasTool('dnsmasq', 'dnsmasq-base')).each(sites)(
  'dnsmasq accepts what OpenWrt makes of uci commands: %s',
  async (_, facts) => {
    const lines = openwrtLines(renderDhcpConfig('openwrt', facts))
    if (facts === site)
      expect(lines).toContain('dhcp-boot=net:bootwright-7,tag:!bootwright-ipxe,snponly.efi,192.0.2.10,192.0.2.10')
    expect(
      await checkWith('dnsmasq', (path) => ['--test', `--conf-file=${path}`], `${lines.join('\n')}\n`),
    ).toBeUndefined()
  },
)

test.runIf(hasTool('dhcpd', 'isc-dhcp-server')).each(sites)('ISC dhcpd accepts its text: %s', async (_, facts) => {
  const subnet = 'subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.100 192.0.2.200; }\n'
  expect(
    await checkWith('dhcpd', (path) => ['-t', '-cf', path], `${renderDhcpConfig('isc', facts)}${subnet}`),
  ).toBeUndefined()
})

test.runIf(hasTool('kea-dhcp4', 'kea-dhcp4-server')).each(sites)('Kea accepts its text: %s', async (_, facts) => {
  const included = join(folder, 'bootwright.json')
  await writeFile(included, renderDhcpConfig('kea', facts))
  const config = `{ "Dhcp4": {
<?include "${included}"?>,
"interfaces-config": { "interfaces": [] }, "lease-database": { "type": "memfile", "persist": false },
"subnet4": [ { "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.100 - 192.0.2.200" } ] } ] } }`
  expect(await checkWith('kea-dhcp4', (path) => ['-t', path], config)).toBeUndefined()
})

test.runIf(hasTool('sh', 'dash')).each(sites)('a shell accepts the commands for OpenWrt: %s', async (_, facts) => {
  expect(await checkWith('sh', (path) => ['-n', path], renderDhcpConfig('openwrt', facts))).toBeUndefined()
})

/** The lines that the start script of OpenWrt's dnsmasq package writes for the sections of these commands. */
function openwrtLines(text: string): string[] {
  const sections = new Map<string, Record<string, string>>()
  for (const [, path = '', option, value = ''] of text.matchAll(
    /^uci (?:set|add_list) dhcp\.(\w+)(?:\.(\w+))?='(.*)'$/gm,
  )) {
    const section = sections.get(path) ?? {}
    section[option ?? 'type'] = value
    sections.set(path, section)
  }
  return [...sections.values()].flatMap((section) => {
    const { type, networkid, match, userclass, vendorclass, filename, servername, serveraddress, force, dhcp_option } =
      section
    if (type === 'match') return [`dhcp-match=${networkid},${match}`]
    if (type === 'userclass') return [`dhcp-userclass=${networkid},${userclass}`]
    if (type === 'vendorclass') return [`dhcp-vendorclass=${networkid},${vendorclass}`]
    return [
      `dhcp-boot=net:${networkid},${filename},${servername},${serveraddress}`,
      ...(dhcp_option ? [`dhcp-option${force ? '-force' : ''}=${networkid},${dhcp_option}`] : []),
    ]
  })
}
