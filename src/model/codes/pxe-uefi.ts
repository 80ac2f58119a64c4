// The codes of UEFI, `PXE-Exx` (EDK2, NetworkPkg/UefiPxeBcDxe/PxeBcBoot.c, which prints them by EFI_STATUS).
import type { AdviceRow } from './code.ts'

const portFast = 'The switch port blocks traffic after link-up, because spanning tree has no portfast'
const checkDhcp = 'Compare the DHCP server with docs/guide/dhcp.md.'
const checkTftp = 'Look for the line TFTP in the log of the server, and allow UDP 69 and the ports above 1024.'
const staleOption =
  'The DHCP server sends option 60 "PXEClient" from an old setup, and nothing listens on its port 4011'

/** Rows by the digits after `PXE-E`. */
export const uefiAdvice: Record<string, AdviceRow> = {
  '05': [
    'the boot program changed its size',
    'The file is bigger than its announced size.',
    ['The file changed between two requests', 'Option 13 of the DHCP server has a wrong size'],
    ['Remove option 13 from the DHCP server.', 'Start the machine again.'],
  ],
  '07': [
    'network device error',
    'The driver of the network card failed.',
    ['The driver or the firmware of the card has a fault', 'The network uses jumbo frames'],
    ['Update the firmware of the card.', 'Set the MTU of the switch port to 1500.'],
  ],
  '09': [
    'not enough memory for the boot program',
    'UEFI has too little memory for the file.',
    ['DHCP names a file that is not a boot program'],
    [checkDhcp],
  ],
  '12': [
    'no link: cable or switch port',
    'The network card has no link.',
    ['No cable, or the cable is faulty', 'The switch port is disabled'],
    ['Look at the lights of the card and of the switch port.'],
  ],
  '16': [
    'DHCP: offers came, none named a boot file',
    'At least one DHCP offer arrived, and UEFI could use none of them. A BIOS prints PXE-E53 for this.',
    [
      'The DHCP server names no boot file for this firmware (option 93)',
      staleOption,
      'Firmware from before 2017 ignores a proxyDHCP server that sends option 43',
      'The offers have no option 54',
    ],
    [checkDhcp, 'Remove option 60 and vendor options (43) from the DHCP server, unless it is the boot server.'],
  ],
  '18': [
    'no answer from DHCP, or from TFTP',
    'Before a line "NBP filename": not one DHCP offer came. After that line: the TFTP server did not answer.',
    [
      'The cable or the VLAN of the switch port is wrong',
      portFast,
      'The subnet has no DHCP relay',
      'A firewall blocks TFTP: UDP port 69 or the high ports of the answers',
    ],
    [
      'Look for "NBP filename" on the screen of the machine.',
      'Without it: check the switch port and the DHCP server.',
      `With it: ${checkTftp[0]?.toLowerCase()}${checkTftp.slice(1)}`,
    ],
  ],
  '21': ['cancelled', 'A person cancelled the boot, or a second PXE client runs.', ['A key was pressed'], []],
  '22': [
    'TFTP: port 69 is closed',
    'The host that DHCP names as the boot server does not serve TFTP.',
    ['next-server (siaddr) names another host', 'TFTP is not served: port 69 needs a permission'],
    [checkTftp, 'Check next-server of the DHCP server.'],
  ],
  '23': [
    'TFTP: error from the server',
    'The TFTP server sent an error: most often, it has no such file.',
    ['The boot file name in DHCP is wrong', 'next-server names another TFTP server'],
    ['Compare the name with the files in ipxe/nbp.', checkDhcp],
  ],
  '53': [
    'DHCP: no boot file name',
    'An offer of the selected kind has no boot file. UEFI rarely prints this code: a BIOS does.',
    ['The DHCP server names no boot file for this firmware (option 93)'],
    [checkDhcp],
  ],
  '99': [
    'unexpected network error',
    'The answers contradict each other, or a packet was invalid.',
    ['Two DHCP servers answer with different boot servers', 'Packets of TFTP are lost'],
    ['Look for a second DHCP or boot server in this network.', checkDhcp],
  ],
}

/** EDK2's own texts, by the digits after `PXE-E`. */
export const uefiMessages: Record<string, string> = {
  '05': 'Buffer size is smaller than the requested file',
  '07': 'Network device error.',
  '09': 'Could not allocate I/O buffers.',
  '12': 'Could not detect network connection.',
  '16': 'No valid offer received.',
  '18': 'Server response timeout.',
  '21': 'Remote boot cancelled.',
  '22': 'Client received ICMP error from server.',
  '23': 'Client received TFTP error from server.',
  '53': 'No boot filename received.',
  '99': 'Unexpected network error.',
}
