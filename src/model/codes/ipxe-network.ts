// Advice for iPXE's codes about the network: link, DHCP, DNS, TCP, TFTP, HTTP. The first six digits of a code name the row.
import type { AdviceRow } from './code.ts'

const seeBoot = 'Run bootwright boots show ID to see how far the boot came.'
const openUrl = 'Open the URL from the boot network, for example with curl.'
const baseUrl = 'If BOOTWRIGHT_BASE_URL is set, check that machines can reach its address and port.'
const serverUp = 'Check that the server is running: curl http://SERVER:8080/healthz.'
const portFast = 'The switch port blocks traffic after link-up, because spanning tree has no portfast'
const dhcpDown = 'The DHCP server is down, has no free address, or is in another VLAN without a relay'

const noTftpFile: AdviceRow = [
  'TFTP: no such file',
  'The TFTP server has no file of this name.',
  ['The boot file name in DHCP is wrong', 'next-server names another TFTP server'],
  ['Compare the name with the files in ipxe/nbp.', 'Check next-server and the boot file in DHCP.'],
]

export const ipxeNetworkAdvice: Record<string, AdviceRow> = {
  '040ee1': [
    'no network card got an address',
    'DHCP failed on every network card.',
    [portFast, dhcpDown, 'The cable is in another card or another port than expected'],
    ['Look at the lines above the code: each card has its own code.', 'Check the switch port and the DHCP server.'],
  ],
  '1a0861': ['link state unknown', 'The card has not reported its link yet.', ['The driver is still starting'], []],
  '1a0862': [
    'network card not configured yet',
    'iPXE did not try to configure this card.',
    ['The link was down when iPXE started', 'The script uses another card'],
    ['Check the cable and the switch port.'],
  ],
  '1a0863': [
    'network configuration not finished',
    'DHCP started on this card and has no result yet.',
    [dhcpDown, portFast],
    ['Check the switch port and the DHCP server.'],
  ],
  '380861': [
    'no link: cable or switch port',
    'The network card has no link.',
    ['No cable, or the cable is faulty', 'The switch port is disabled', 'Speed settings of switch and card differ'],
    ['Look at the lights of the card and of the switch port.'],
  ],
  '4c1060': [
    'DHCP: no answer',
    'No DHCP server made a usable offer.',
    [portFast, dhcpDown, 'The DHCP server ignores this machine: an allow list, or a reservation for another MAC'],
    ['Read the log of the DHCP server for the MAC of the machine.', 'Check the VLAN of the switch port.'],
  ],
  '4c1260': [
    'TFTP: no answer',
    'The TFTP server did not answer, or its answers did not arrive.',
    [
      'next-server (siaddr, option 66) names another address than the boot server',
      'A firewall blocks UDP port 69, or the high ports that the answers come from',
      'TFTP is not served',
    ],
    ['Look for the line TFTP in the log of the server.', 'Allow UDP 69 and the ports above 1024 to the server.'],
  ],
  '2d1261': noTftpFile,
  // iPXE of 2019.
  '2d1260': noTftpFile,
  '021260': [
    'TFTP: access denied',
    'The TFTP server refused the file.',
    ['The address is outside BOOTWRIGHT_BOOT_SUBNETS', 'Another TFTP server answered'],
    ['Look for "refused" in the log of the server.'],
  ],
  '3c1260': [
    'TFTP: the server reported an error',
    'The TFTP server ended the transfer with an error.',
    ['Too many transfers at the same time', 'Another TFTP server answered'],
    ['Read the log of the server for the address of the machine.'],
  ],
  '3d1260': [
    'TFTP: illegal operation',
    'The TFTP server did not understand the request.',
    ['Another program than a TFTP server answers on port 69'],
    ['Check next-server in DHCP.'],
  ],
  '4c0a60': [
    'TCP: no answer from the server',
    'The server did not answer on this port in time.',
    ['A firewall drops the packets', 'The address is wrong, or unused', 'No route leads back to the machine'],
    [openUrl, baseUrl],
  ],
  '0e0a60': [
    'TCP: connection refused',
    'The host answered, but no program listens on this port.',
    ['The server is not running', 'The port in the URL is wrong', 'A firewall rejects the connection'],
    [serverUp, baseUrl],
  ],
  '0f0a60': [
    'TCP: connection refused or reset',
    'The host ended the connection, or no program listens on this port.',
    ['The server is not running, or restarted', 'The port in the URL is wrong', 'A firewall rejects the connection'],
    [serverUp, baseUrl],
  ],
  '280a60': [
    'no route to the server',
    'The machine has no address or no gateway for this destination.',
    ['DHCP named no router (option 3)', 'The network card is not configured'],
    ['Check option 3 of the DHCP server.', baseUrl],
  ],
  '280560': [
    'no route to the server',
    'The machine has no address or no gateway for this destination.',
    ['DHCP named no router (option 3)', 'The netmask (option 1) is wrong', 'DHCP did not run'],
    ['Check options 1 and 3 of the DHCP server.', baseUrl],
  ],
  '4c3760': [
    'ARP: no answer from server or gateway',
    'Nobody on the local network answered for the next address.',
    ['The gateway (option 3) is wrong or down', 'The machine is in another VLAN', 'The server is switched off'],
    ['Check option 3 of the DHCP server.', 'Check the VLAN of the switch port.', baseUrl],
  ],
  '3e1161': [
    'DNS: the name does not exist',
    'The DNS server does not know the host name in the URL.',
    ['The name is misspelled', 'The DNS server of the boot network has no such record'],
    ['Use an IP address in the URL, or in BOOTWRIGHT_BASE_URL.', 'Check option 6 of the DHCP server.'],
  ],
  '3e1162': [
    'DNS: no DNS server known',
    'The URL has a host name, and DHCP named no DNS server.',
    ['DHCP sends no option 6'],
    ['Use an IP address in the URL, or in BOOTWRIGHT_BASE_URL.', 'Add option 6 to the DHCP server.'],
  ],
  '4c1160': [
    'DNS: no answer',
    'The DNS server did not answer.',
    ['The DNS server is down', 'A firewall blocks UDP port 53', 'Option 6 of DHCP is wrong'],
    ['Use an IP address in the URL, or in BOOTWRIGHT_BASE_URL.', 'Check option 6 of the DHCP server.'],
  ],
  '2d0c61': [
    'HTTP 404: no such file on the server',
    'The server has nothing at this URL.',
    ['The URL is wrong', 'The file or the image version was deleted after the script was made'],
    [openUrl, seeBoot, 'Run bootwright explain MAC to see what the machine boots now.'],
  ],
  '020c61': [
    'HTTP 401: user name and password required',
    'The server requires a user name and a password.',
    ['A proxy or another web server answered'],
    [openUrl],
  ],
  '410c61': [
    'HTTP 403: access denied',
    'The server refused access.',
    ['The address is outside BOOTWRIGHT_BOOT_SUBNETS', 'A proxy or another web server answered'],
    ['Look for "refused" in the log of the server.', 'Add the subnet to BOOTWRIGHT_BOOT_SUBNETS.'],
  ],
  '1d0c61': ['HTTP: unknown response', 'The server sent a status that iPXE does not know.', [], [openUrl]],
  '1d0c64': [
    'HTTP 4xx: the server refused the request',
    'The server refused the request.',
    ['The URL is not valid here', 'A proxy or another web server answered'],
    [openUrl],
  ],
  '1d0c65': [
    'HTTP 5xx: the server reported an error',
    'The server could not answer.',
    ['The server is overloaded', 'The database is unreachable', 'A proxy cannot reach the server'],
    [serverUp, 'Read the log of the server.'],
  ],
  '1d0c62': [
    'HTTP: the file was incomplete',
    'The connection ended before the whole file arrived.',
    ['The server restarted', 'A proxy shortened the answer', 'The stored file is damaged'],
    ['Run bootwright file list --damaged.', seeBoot],
  ],
  '1c0c61': [
    'HTTP: the answer is not HTTP',
    'The server sent something else than HTTP.',
    ['The port belongs to another service, or requires https'],
    [openUrl],
  ],
  '430c61': ['HTTP: unexpected data', 'The server sent data after the end of an answer.', [], [openUrl]],
}
