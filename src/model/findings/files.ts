import type { FindingMeaning } from './finding.ts'

/** Findings about files on their way to the machine: TFTP, HTTP, boot programs and images. */
export const fileFindings = {
  'BW-TFTP-BLOCKED': {
    title: 'TFTP does not answer',
    means: 'Firmware asks UDP port 69 for its boot program, and gets no answer.',
    causes: [
      'A firewall drops UDP port 69 on the way, or on the boot server.',
      'The boot server has no route back to this network.',
      'The server has the address, but no TFTP server runs there.',
    ],
    todo: [
      'Permit UDP port 69 to the boot server, and answers from its ephemeral ports.',
      'If nothing listens: look for "TFTP" in the log of Bootwright. Port 69 needs a privilege.',
    ],
    firmware: {
      bios: 'PXE-E32: TFTP open timeout',
      uefi: 'PXE-E18: Server response timeout',
      ipxe: 'Connection timed out (https://ipxe.org/4c126035)',
    },
  },
  'BW-TFTP-CLOSED': {
    title: 'Nothing listens at the TFTP port',
    means: 'The host answers that UDP port 69 is closed (ICMP port unreachable).',
    causes: [
      'Bootwright could not take port 69.',
      'TFTP is off (`BOOTWRIGHT_TFTP_LISTEN=off`).',
      'The address belongs to another host.',
    ],
    todo: ['Look for "TFTP" in the first lines of the log of Bootwright. The line says how to permit port 69.'],
    firmware: {
      bios: 'PXE-E32: TFTP open timeout',
      uefi: 'PXE-E99: Unexpected network error, or PXE-E22: Server reported ICMP error',
    },
  },
  'BW-TFTP-ANSWERS-BLOCKED': {
    title: 'TFTP requests arrive, but the answers are lost',
    means: 'TFTP answers from a new port for each transfer (RFC 1350, section 4). A firewall drops these answers.',
    causes: [
      'A firewall permits UDP port 69 only, and does not track TFTP.',
      'Address translation between the machine and the server rewrites the port.',
    ],
    todo: [
      'Permit UDP from the boot server, or load the TFTP helper of the firewall (nf_conntrack_tftp).',
      'Or set `BOOTWRIGHT_TFTP_SINGLE_PORT=yes`: Bootwright then answers from port 69.',
    ],
    firmware: {
      bios: 'PXE-E32: TFTP open timeout',
      uefi: 'PXE-E18: Server response timeout',
      ipxe: 'Connection timed out (https://ipxe.org/4c126035)',
    },
  },
  'BW-NBP-MISSING': {
    title: 'The boot file does not exist',
    means: 'DHCP names a boot program, or a URL for iPXE, that the server does not have.',
    causes: [
      'The file name in the DHCP server has a typing error, or a folder before it.',
      'The boot program was not downloaded by setup, or `BOOTWRIGHT_NBP_DIR` is a folder without it.',
    ],
    todo: [
      'Compare the name in the DHCP server with the names in `bootwright dhcp-config dnsmasq` (or isc, kea, windows …).',
    ],
    firmware: {
      bios: 'PXE-T01: File not found, PXE-E3B: TFTP error - file not found',
      uefi: 'PXE-E23: Client received TFTP error from server',
      httpBoot: 'Error: Client Error: 404 Not Found',
      ipxe: 'No such file or directory (https://ipxe.org/2d126138)',
    },
  },
  'BW-NBP-DAMAGED': {
    title: 'The boot program is damaged',
    means: 'The file exists, but it is incomplete or not a boot program. Firmware refuses it, or the machine hangs.',
    causes: [
      'A copy of the file was interrupted.',
      'A web page or an error message was saved instead of the program.',
      'A proxy or a cache between the machine and the server changes the file.',
    ],
    todo: ['Fetch the boot program again, or remove the file and restart Bootwright: setup downloads it.'],
    firmware: {
      bios: 'The machine hangs, or goes to its next boot device.',
      uefi: 'NBP file downloaded successfully. Then the firmware prints no code, or "Load Error", and goes to its next boot device.',
      httpBoot: 'The firmware shows "File Size" with the wrong number, and goes to its next boot device.',
    },
  },
  'BW-MTU': {
    title: 'Large TFTP packets are lost',
    means: 'Packets with 512 bytes arrive, but packets with the block size of firmware (1468 bytes) do not.',
    causes: [
      'A tunnel or VPN on the way has a smaller MTU, and drops fragments or ICMP messages.',
      'The MTU of a switch or a virtual network differs from the MTU of the server.',
    ],
    todo: [
      'Set the MTU of all devices on the way to 1500 bytes.',
      'Or set `BOOTWRIGHT_TFTP_BLOCK_SIZE` to 512, or to a size that passes.',
    ],
    firmware: {
      bios: 'PXE-E35: TFTP read timeout',
      uefi: 'PXE-E99: Unexpected network error, after "Downloading NBP file". The size of the file is shown before.',
      ipxe: 'Connection timed out (https://ipxe.org/4c126035)',
    },
  },
  'BW-HTTP-BLOCKED': {
    title: 'HTTP to the boot server does not work',
    means: 'iPXE starts, but cannot fetch its script by HTTP.',
    causes: [
      'A firewall drops the TCP port of boot HTTP.',
      'Boot HTTP listens at another address or port than the URL says.',
      'Bootwright is stopped.',
    ],
    todo: ['Permit TCP to the port of `BOOTWRIGHT_BOOT_LISTEN` on the boot server.'],
    firmware: {
      httpBoot:
        'Error: Could not retrieve NBP file size from HTTP server. Error: Unexpected network error. Other firmware: Error: Could not establish connection with the server',
      ipxe: 'Connection timed out (https://ipxe.org/4c0a6035). If nothing listens there: Connection reset (https://ipxe.org/0f0a6039)',
    },
  },
  'BW-HTTP-REFUSED': {
    title: 'The boot server refuses this address',
    means: 'HTTP works, but the server refuses requests from this network.',
    causes: [
      '`BOOTWRIGHT_BOOT_SUBNETS` does not contain this network.',
      'A proxy in front of the server refuses the request.',
    ],
    todo: ['Add the subnet of the machines to `BOOTWRIGHT_BOOT_SUBNETS`.'],
    firmware: {
      httpBoot: 'Error: Client Error: 403 Forbidden',
      ipxe: 'Permission denied, or Operation not permitted (https://ipxe.org/410c618f)',
    },
  },
  'BW-BASE-URL': {
    title: 'The URL in scripts does not reach this server',
    means: 'iPXE gets its script, but the URLs in it lead nowhere, or to another server.',
    causes: [
      '`BOOTWRIGHT_BASE_URL` has a wrong address, port or scheme.',
      'The DHCP server names a URL that belongs to another server.',
      'A proxy in front of Bootwright is stopped.',
    ],
    todo: ['Set `BOOTWRIGHT_BASE_URL` to a URL that machines can reach, or remove the setting.'],
    firmware: {
      ipxe: 'Connection timed out (https://ipxe.org/4c0a6035), or No such file or directory (https://ipxe.org/2d0c613b)',
    },
  },
  'BW-DNS': {
    title: 'A host name in a boot URL cannot be resolved',
    means: 'A boot URL has a host name that DNS does not answer for machines.',
    causes: [
      'The name is missing in DNS, or has a typing error.',
      'The DHCP server gives machines no DNS server (option 6), or a wrong one.',
    ],
    todo: ['Use the IP address in the URL, or add the name to DNS and option 6 to the DHCP server.'],
    firmware: {
      httpBoot:
        'Error: Could not retrieve NBP file size from HTTP server. Error: Server response timeout. Other firmware: Error: Could not retrieve the host address from DNS server',
      ipxe: 'No such DNS record (https://ipxe.org/3e11618e). If DNS is silent: Connection timed out (https://ipxe.org/4c116035)',
    },
  },
  'BW-FILE-MISSING': {
    title: 'A file of an image is missing',
    means: 'The image names a file that is not in the store. Its machines show a refusal.',
    causes: ['The file was deleted in the data folder.', 'The store is another folder or bucket than before.'],
    todo: ['Add or import the image again: its missing files are then stored again.'],
  },
  'BW-FILE-DAMAGED': {
    title: 'A file of an image is damaged',
    means: 'The bytes of the file differ from what was stored. Its machines show a refusal.',
    causes: ['The disk has read errors.', 'A program changed the file in the data folder.'],
    todo: ['Check the disk. Then add or import the image again, and check the result: `bootwright file verify`.'],
  },
  'BW-NO-VARIANT': {
    title: 'The image has nothing for this kind of machine',
    means: 'A machine is assigned an image without a variant for its architecture and firmware. It shows a refusal.',
    causes: [
      'The image was imported for another architecture.',
      'The machine boots by BIOS, and the image needs UEFI, or the reverse.',
    ],
    todo: ['Add a variant to the image, assign another image, or change the firmware mode of the machine.'],
  },
} as const satisfies Record<string, FindingMeaning>
