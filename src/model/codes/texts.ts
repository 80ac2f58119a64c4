// Errors that have a text and no code: UEFI HTTP Boot (EDK2, NetworkPkg/HttpBootDxe) and shim.
import type { AdviceRow, CodeSource, Firmware } from './code.ts'

/** A text as the program prints it, matched anywhere in a line in any case. */
export type TextRow = {
  code: string
  pattern: RegExp
  source: CodeSource
  firmware: Firmware
  message: string
  advice: AdviceRow
}

const openUrl = 'Open the URL on the screen from the boot network, for example with curl -I.'
const checkDhcp = 'Compare the DHCP server with docs/guide/dhcp.md.'
const httpBoot = { source: 'http-boot', firmware: 'uefi' } as const
const shim = { source: 'shim', firmware: 'uefi' } as const
const disable = 'Switch Secure Boot off to prove it.'
const guide = 'Read docs/guide/secure-boot.md.'

/** In the order of their matching. */
export const textRows: TextRow[] = [
  {
    ...httpBoot,
    code: 'http-boot-https-only',
    pattern: /only https connection is allowed/i,
    message: 'Access forbidden, only HTTPS connection is allowed.',
    advice: [
      'this firmware allows https only',
      'The firmware was built without HTTP Boot over plain http.',
      ['The setting of the firmware allows only https'],
      ['Enable plain HTTP Boot in the setup, or use PXE with TFTP.'],
    ],
  },
  {
    ...httpBoot,
    code: 'http-boot-size',
    pattern: /could not retrieve NBP file size/i,
    message: 'Could not retrieve NBP file size from HTTP server.',
    advice: [
      'HTTP Boot: the URL did not answer',
      'UEFI asked for the size of the file, and got no usable answer. The next line names the error.',
      [
        'DHCP names a wrong URL',
        'The server is not reachable from the boot network',
        'A proxy answered without a length',
      ],
      [openUrl, checkDhcp],
    ],
  },
  {
    ...httpBoot,
    code: 'http-boot-dns',
    pattern: /could not retrieve the host address from DNS/i,
    message: 'Could not retrieve the host address from DNS server.',
    advice: [
      'HTTP Boot: host name not found',
      'The URL has a host name that DNS does not resolve.',
      ['DHCP sends no option 6', 'The name is misspelled'],
      ['Use an IP address in the URL.', 'Check option 6 of the DHCP server.'],
    ],
  },
  {
    ...httpBoot,
    code: 'http-boot-uri',
    pattern: /invalid URI address/i,
    message: 'Invalid URI address.',
    advice: [
      'HTTP Boot: invalid URL',
      'The boot file of DHCP is not a URL with http or https.',
      ['DHCP names a file instead of a URL'],
      [checkDhcp],
    ],
  },
  {
    ...httpBoot,
    code: 'http-boot-connect',
    pattern: /could not establish connection with HTTP server/i,
    message: 'Could not establish connection with HTTP server.',
    advice: [
      'HTTP Boot: no connection to the server',
      'The server does not accept connections at this address and port.',
      ['The server is not running', 'The port in the URL is wrong', 'A firewall blocks the port'],
      [openUrl],
    ],
  },
  {
    ...httpBoot,
    code: 'http-boot-ram-disk',
    pattern: /could not register RAM disk/i,
    message: 'Could not register RAM disk to the system.',
    advice: [
      'HTTP Boot: the disk image was refused',
      'UEFI could not use the file as a disk.',
      ['The file is not a disk image', 'The machine has too little memory'],
      ['Name a boot program (.efi) in DHCP.'],
    ],
  },
  {
    ...httpBoot,
    code: 'http-boot-tls',
    pattern: /Error:.*\bTLS\b|failed to configure TLS/i,
    message: 'Error: TLS failed',
    advice: [
      'HTTP Boot: https failed',
      'UEFI and the server did not agree on https.',
      ['The certificate of the server is not in the firmware', 'The clock of the machine is wrong'],
      ['Add the certificate of the authority in the setup (Tls Auth Configuration).', 'Use http.'],
    ],
  },
  {
    ...httpBoot,
    code: 'http-boot-404',
    pattern: /(?:client error|server error|redirection):\s*\d{3}/i,
    message: 'Client Error: 404 Not Found',
    advice: [
      'HTTP Boot: the server refused the URL',
      'The server answered with an HTTP error.',
      ['The path in the URL is wrong', 'The address is outside BOOTWRIGHT_BOOT_SUBNETS', 'Another web server answered'],
      [openUrl, 'The path of a boot program is /nbp/NAME.'],
    ],
  },
  {
    ...shim,
    code: 'shim-sbat',
    pattern: /SBAT (?:self-check|data) failed|something has gone seriously wrong/i,
    message: 'SBAT self-check failed: Security Policy Violation',
    advice: [
      'Secure Boot: this shim is revoked',
      'The firmware has a newer list of revoked programs than this shim.',
      ['The shim is too old'],
      ['Use a newer shim from your distribution.', disable, guide],
    ],
  },
  {
    ...shim,
    code: 'shim-signature',
    pattern: /verification failed:? *\(?0x1A\)?|bad shim signature|security violation/i,
    message: 'Verification failed: (0x1A) Security Violation',
    advice: [
      'Secure Boot: signature refused',
      'A program is not signed by a key that the firmware or shim trusts.',
      ['The program is not signed: iPXE of Debian is not', 'The key is not enrolled (MOK)'],
      [guide, disable],
    ],
  },
  {
    ...shim,
    code: 'shim-start',
    pattern: /start_image\(\) returned/i,
    message: 'start_image() returned …',
    advice: [
      'shim: the next program ended with an error',
      'shim started the program beside it, and the program ended.',
      ['The program found no file or no disk', 'The program is for another architecture'],
      ['Read the status after the text, and the lines above.'],
    ],
  },
  {
    ...shim,
    code: 'firmware-refused',
    pattern: /failed to load boot\d{4}.*(?:security violation|access denied)|image .*security violation/i,
    message: 'Access Denied',
    advice: [
      'Secure Boot: the firmware refused the program',
      'The boot program is not signed by a key of the firmware.',
      ['Secure Boot is on, and the boot program is not signed'],
      [guide, disable],
    ],
  },
]
