// PowerShell for the DHCP server of Windows Server.
import type { DhcpSite, FirmwareEntry } from './site.ts'
import { comment, fileOf, headerLines, whyHttpClient, whyIpxe } from './text.ts'

export function renderWindows(site: DhcpSite): string {
  const { address, bootUrl, entries, own } = site
  return fileOf(
    headerLines(
      'windows',
      'Run this text in PowerShell as administrator on the DHCP server (Windows Server 2012 or later). It replaces the policies of an earlier run. Remove options 60, 66 and 67 of scopes and of the server, because they apply also where no policy does.',
      site,
    ),
    [
      "$ErrorActionPreference = 'Stop'",
      ...comment("For one scope only: @{ ScopeId = '192.168.1.0' }"),
      '$where = @{}',
      "Get-DhcpServerv4Policy @where | Where-Object Name -like 'Bootwright *' | Remove-DhcpServerv4Policy @where",
      "Get-DhcpServerv4Class | Where-Object Name -like 'Bootwright *' | Remove-DhcpServerv4Class",
    ],
    [
      ...comment(whyIpxe),
      ...comment('So every other policy excludes the user class iPXE.'),
      "Add-DhcpServerv4Class -Name 'Bootwright iPXE' -Type User -Data 'iPXE'",
      "Add-DhcpServerv4Policy @where -Name 'Bootwright iPXE' -Condition OR -UserClass EQ,'Bootwright iPXE'",
      setOption('Bootwright iPXE', 67, bootUrl),
    ],
    entries.some(({ kind }) => kind.transport === 'http')
      ? [
          ...comment(whyHttpClient),
          'if (-not (Get-DhcpServerv4OptionDefinition -OptionId 60 -ErrorAction SilentlyContinue)) {',
          "  Add-DhcpServerv4OptionDefinition -OptionId 60 -Name 'Vendor class identifier' -Type String",
          '}',
        ]
      : [],
    ...entries.map((entry) => [
      `# ${entry.kind.words}`,
      `Add-DhcpServerv4Class -Name '${className(entry)}' -Type Vendor -Data '${vendorClass(entry)}'`,
      ...policy(className(entry), entry, entry.file, address),
    ]),
    own.length === 0
      ? []
      : comment(
          'Machines with a boot program of their own, by MAC address, as of the time of printing. Their policies come first.',
        ),
    ...own.flatMap(({ nbp, macs, entries: special }) =>
      special.map((entry) => [
        `# ${nbp}`,
        ...policy(
          `${className(entry)} ${nbp}`,
          entry,
          entry.file,
          address,
          ` -MacAddress EQ,${macs.map((mac) => `'${mac.replaceAll(':', '')}'`).join(',')} -ProcessingOrder 1`,
        ),
      ]),
    ),
  )
}

function policy(name: string, entry: FirmwareEntry, file: string, address: string, more = ''): string[] {
  const isHttp = entry.kind.transport === 'http'
  return [
    `Add-DhcpServerv4Policy @where -Name '${name}' -Condition AND -VendorClass EQ,'${className(entry)}*' -UserClass NE,'Bootwright iPXE'${more}`,
    ...(isHttp ? [setOption(name, 60, 'HTTPClient')] : [setOption(name, 66, address)]),
    setOption(name, 67, file),
  ]
}

// The asterisk in a condition matches the characters after the class, such as `:UNDI:003000`.
function vendorClass({ kind }: FirmwareEntry): string {
  const client = kind.transport === 'http' ? 'HTTPClient' : 'PXEClient'
  return `${client}:Arch:${String(kind.code).padStart(5, '0')}`
}

function className({ kind }: FirmwareEntry): string {
  return `Bootwright ${kind.code}`
}

function setOption(policyName: string, id: number, value: string): string {
  return `Set-DhcpServerv4OptionValue @where -PolicyName '${policyName}' -OptionId ${id} -Value '${value}'`
}
