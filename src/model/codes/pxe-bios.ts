// The codes of BIOS ROMs, `PXE-Exx` (Intel's PXE; texts as in Broadcom's article 152549 and the manuals of Emulex).
import type { AdviceRow } from './code.ts'

const tftpPorts = 'A firewall blocks UDP port 69, or the high ports that the answers come from'
const nextServer = 'next-server (siaddr, option 66) names another address than the boot server'
const staleOption =
  'The DHCP server sends option 60 "PXEClient" from an old setup, and nothing listens on its port 4011'
const portFast = 'The switch port blocks traffic for 30 to 50 s after link-up, because spanning tree has no portfast'
const checkTftp = 'Look for the line TFTP in the log of the server, and allow UDP 69 and the ports above 1024.'
const checkDhcp = 'Compare the DHCP server with docs/guide/dhcp.md.'
const checkOption = 'Remove option 60 and vendor options (43) from the DHCP server, unless it is the boot server.'
const rom = 'The ROM of the network card or the BIOS has a fault.'
const updateRom = 'Update the firmware of the card and the BIOS, or load iPXE from a USB stick.'

/** Rows by the digits after `PXE-E`. */
export const biosAdvice: Record<string, AdviceRow> = {
  '11': [
    'ARP: no answer',
    'The address of the boot server or of the gateway did not answer.',
    [staleOption, 'The router does not answer ARP', 'next-server names an address that is not in use'],
    ['Check option 3 and next-server of the DHCP server.', checkOption],
  ],
  '32': [
    'TFTP: no answer',
    'The TFTP server did not answer the first request.',
    [nextServer, tftpPorts, 'TFTP is not served'],
    [checkTftp, checkDhcp],
  ],
  '35': [
    'TFTP: the transfer stopped',
    'The TFTP server stopped answering within the transfer.',
    [tftpPorts, 'Packets are lost, or too big for the network'],
    [checkTftp],
  ],
  '36': [
    'TFTP: error from the server',
    'The TFTP server sent an error.',
    ['The file does not exist', nextServer],
    [checkDhcp, 'Compare the name with the files in ipxe/nbp.'],
  ],
  '38': ['TFTP: cannot open the connection', 'The ROM could not send its request.', [rom], [updateRom]],
  '39': ['TFTP: cannot acknowledge', 'The ROM could not answer the TFTP server.', [rom], [updateRom]],
  '3A': [
    'TFTP: the file is too big',
    'The file is bigger than the memory of the ROM allows.',
    ['DHCP names a UEFI program or another big file for BIOS', 'The server does not support block sizes'],
    [checkDhcp, 'Name undionly.kpxe for option 93 = 0.'],
  ],
  '3B': [
    'TFTP: file not found',
    'The TFTP server has no file of this name.',
    ['The boot file name in DHCP is wrong', nextServer],
    ['Compare the name with the files in ipxe/nbp.', checkDhcp],
  ],
  '3C': [
    'TFTP: access denied',
    'The TFTP server refused the file.',
    ['The address is outside BOOTWRIGHT_BOOT_SUBNETS', nextServer],
    ['Look for "refused" in the log of the server.'],
  ],
  '3F': [
    'TFTP: packet too big',
    'The server sent a bigger block than the ROM allows.',
    [nextServer],
    ['Lower BOOTWRIGHT_TFTP_BLOCK_SIZE to 1456.'],
  ],
  '51': [
    'DHCP: no offer at all',
    'Neither a DHCP server nor a proxyDHCP server answered.',
    ['The cable or the VLAN of the switch port is wrong', portFast, 'The subnet has no DHCP relay'],
    ['Check the switch port.', 'Read the log of the DHCP server for the MAC of the machine.'],
  ],
  '52': [
    'DHCP: proxy answered, DHCP did not',
    'A proxyDHCP server answered, and no DHCP server gave an address.',
    ['The DHCP server has no free address', 'The relay forwards to the boot server only', 'The DHCP server is down'],
    ['Check the DHCP server and its pool.', 'Add the DHCP server to the relay (ip helper-address).'],
  ],
  '53': [
    'DHCP: no boot file name',
    'DHCP gave an address and named no boot file.',
    [
      'The DHCP server names no file for BIOS (option 93 = 0)',
      'The DHCP server has an allow list, or a reservation without options',
      'A relay removed the options',
    ],
    [checkDhcp],
  ],
  '55': [
    'proxyDHCP: no answer on port 4011',
    'The ROM asked a proxyDHCP server on port 4011, and nobody answered.',
    [staleOption, 'A firewall blocks UDP port 4011'],
    [checkOption, 'Allow UDP port 4011 to the boot server.'],
  ],
  '60': ['network card: invalid function', rom, [], [updateRom]],
  '61': [
    'no link: cable or switch port',
    'The network card has no link.',
    ['No cable, or the cable is faulty', 'The switch port is disabled'],
    ['Look at the lights of the card and of the switch port.'],
  ],
  '74': [
    'PXE menu: bad menu or prompt',
    'The vendor options (43) contain a damaged menu.',
    ['Two servers answer with different vendor options'],
    [checkOption],
  ],
  '76': [
    'PXE: no multicast address',
    'Vendor options require multicast discovery, and name no address.',
    ['The vendor options (43) of the DHCP server are from an old setup'],
    [checkOption],
  ],
  '77': [
    'PXE: no list of boot servers',
    'Vendor options require a list of servers, and have none.',
    ['The vendor options (43) of the DHCP server are from an old setup'],
    [checkOption],
  ],
  '78': [
    'PXE: no boot server answered',
    'The ROM looked for a boot server, and none answered.',
    ['The vendor options (43) name a server that is gone', 'A firewall blocks UDP port 4011'],
    [checkOption],
  ],
  '79': [
    'the boot program is too big for BIOS',
    'The file does not fit in the base memory.',
    ['DHCP names a UEFI program for BIOS'],
    ['Name undionly.kpxe for option 93 = 0.', checkDhcp],
  ],
  '7A': [
    'no secure boot server',
    'The ROM requires a server that signs its files.',
    ['The BIOS setup enables boot integrity services'],
    ['Disable boot integrity services in the BIOS setup.'],
  ],
  '7B': [
    'the boot server has address 0.0.0.0',
    'DHCP named a boot file, and no server.',
    ['next-server (siaddr) is not set'],
    ['Set next-server in the DHCP server: docs/guide/dhcp.md.'],
  ],
  A0: ['cancelled by a key', 'A person cancelled the boot.', [], []],
  A1: ['no PXE server', 'The ROM found no PXE server.', ['proxyDHCP does not run, or is in another VLAN'], [checkDhcp]],
}

const memory: AdviceRow = [
  'ROM: error in memory, PCI or EEPROM',
  rom,
  ['The BIOS gave the ROM too little memory'],
  [updateRom],
]
const bis: AdviceRow = [
  'ROM: boot integrity services failed',
  'The ROM could not verify a signature.',
  ['The BIOS setup enables boot integrity services'],
  ['Disable boot integrity services in the BIOS setup.'],
]
const adapter: AdviceRow = [
  'the network card failed',
  rom,
  ['The card, its settings or its ROM have a fault'],
  [updateRom],
]
const test: AdviceRow = ['ROM: a test of its functions failed', rom, [], [updateRom]]
const damaged: AdviceRow = ['ROM: damaged', 'The ROM image is incomplete or does not fit the card.', [], [updateRom]]

/** Rows for ranges of digits, after the rows of their own. */
export const biosRanges: [first: string, last: string, AdviceRow][] = [
  ['00', '09', memory],
  ['20', '20', memory],
  ['21', '28', bis],
  ['62', '6C', adapter],
  ['81', '89', test],
  ['C0', 'CF', damaged],
]

/** The ROM's own texts, by the digits after `PXE-E`. */
export const biosMessages: Record<string, string> = {
  '11': 'ARP timeout.',
  '32': 'TFTP open timeout.',
  '35': 'TFTP read timeout.',
  '3A': 'TFTP too many packages.',
  '3B': 'TFTP Error - File Not Found.',
  '3C': 'TFTP Error - Access violation.',
  '3F': 'TFTP packet size is invalid.',
  '51': 'No DHCP or proxyDHCP offers were received.',
  '52': 'proxyDHCP offers were received. No DHCP offers were received.',
  '53': 'No boot filename received.',
  '55': 'proxyDHCP service did not reply to request on port 4011.',
  '61': 'Media test failure, check cable.',
  '74': 'Bad or missing PXE menu and/or prompt information.',
  '76': 'Bad or missing multicast discovery address.',
  '77': 'Bad or missing discovery server list.',
  '78': 'Could not locate boot server.',
  '79': 'NBP is too big to fit in free base memory.',
  '7A': 'Client could not locate a secure server.',
  '7B': 'Missing MTFTP server IP address.',
  A0: 'PXE boot aborted: cancelled by keystroke.',
}
