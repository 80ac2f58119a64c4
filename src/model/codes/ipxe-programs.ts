// Advice for iPXE's codes about URLs, programs, certificates and network disks. The first six digits of a code name the row.
import type { AdviceRow } from './code.ts'

const clock = 'The clock of the machine is wrong'
const trust = 'Give iPXE the certificate with the DHCP option 175.90 (trust), or use http.'
const secureBoot = 'Read docs/guide/secure-boot.md.'
const otherKind = 'Run bootwright explain MAC and compare the target with the firmware of the machine.'
const memory = 'Give the machine more memory.'
const target = 'Check the target and its user names on the storage server.'
const iscsi = 'The storage server refuses this initiator'

export const ipxeProgramAdvice: Record<string, AdviceRow> = {
  '3c0920': [
    'this iPXE cannot open such a URL',
    'iPXE was built without the protocol of the URL.',
    ['The URL begins with https, and this iPXE has no TLS: it is for BIOS, or from 2019', 'The URL is misspelled'],
    ['Use http on the boot network.', 'Check BOOTWRIGHT_BASE_URL.'],
  ],
  '2d03e1': [
    'DHCP named nothing to boot',
    'iPXE got an address, but neither a boot file nor a disk to boot.',
    [
      'The DHCP server names the boot file only for other clients: a rule without iPXE',
      'Another DHCP server answered first',
    ],
    ['Give iPXE the URL http://SERVER:8080/boot.ipxe in DHCP.', 'Read docs/guide/dhcp.md.'],
  ],
  '2e0080': [
    'not a program for this machine',
    'iPXE cannot start this file.',
    ['The file is for other firmware or another architecture', 'The file is damaged', 'The file is an error page'],
    [otherKind, 'Run bootwright file list --damaged.'],
  ],
  '2e0480': ['not an EFI program', 'UEFI cannot start this file.', ['The kernel is for BIOS only'], [otherKind]],
  '2e8180': [
    'not a Linux kernel',
    'The BIOS loader cannot start this file.',
    ['The file is an EFI program'],
    [otherKind],
  ],
  '020480': [
    'Secure Boot refused the program',
    'UEFI did not accept the signature of the program.',
    ['Secure Boot is on, and the program is not signed by a trusted key'],
    [secureBoot, 'Switch Secure Boot off.'],
  ],
  '7f0481': [
    'UEFI could not load the program',
    'UEFI refused to load the program. The last two digits are its status.',
    ['Secure Boot is on, and the program is not signed by a trusted key', 'The program is for another architecture'],
    [secureBoot, otherKind],
  ],
  '7f0482': [
    'the program ended with an error',
    'UEFI started the program, and the program ended with an error. The last two digits are its status.',
    ['The program found no disk, no file or too little memory', 'Secure Boot refused what the program loaded'],
    ['Read the lines above the code: they come from the program.', secureBoot],
  ],
  '460381': [
    'not enough memory for the program',
    'The memory that the program needs is in use, or does not exist.',
    ['The machine has too little memory', 'The image is too big for BIOS'],
    [memory],
  ],
  '310080': [
    'not enough memory for a file',
    'The file is bigger than the free memory.',
    ['The machine has too little memory'],
    [memory],
  ],
  '0216eb': [
    'https: no usable certificate',
    'The server sent no certificate that iPXE can verify.',
    ['The certificate is of a private authority that iPXE does not trust', 'An intermediate certificate is missing'],
    [trust, 'Send the whole chain of certificates.'],
  ],
  '0216e6': [
    'https: unknown certificate authority',
    'The certificate leads to an authority that iPXE does not trust.',
    ['The authority is private', 'The server sends the wrong chain'],
    [trust],
  ],
  '0216e4': [
    'https: certificate expired, or the clock is wrong',
    'The certificate is not valid at the time of this machine.',
    [clock, 'The certificate expired, or begins later'],
    ['Compare the clock of the machine with the dates of the certificate.'],
  ],
  '0216ea': [
    'https: certificate of another name',
    'The certificate does not contain the host name of the URL.',
    ['The URL has an IP address or another name', 'Another server answered'],
    ['Use a name in the URL that the certificate contains.'],
  ],
  '3c0de1': [
    'https: no common cipher',
    'Server and iPXE share no cipher.',
    ['The server allows only newer ciphers'],
    ['Allow an older cipher of TLS 1.2 on the server, or use http.'],
  ],
  '3c0de3': [
    'https: unsupported signature',
    'iPXE cannot verify this kind of signature.',
    ['The certificate has an elliptic-curve key, which iPXE before 2025 cannot verify'],
    ['Use a certificate with an RSA key.'],
  ],
  '3c0de4': [
    'https: no common TLS version',
    'Server and iPXE share no version of TLS.',
    ['The server requires TLS 1.3'],
    ['Allow TLS 1.2 on the server.'],
  ],
  '3c0de5': [
    'https: unsupported key exchange',
    'iPXE does not know the group of the key exchange.',
    ['The server prefers newer curves'],
    ['Allow the curve P-256 or RSA key exchange on the server.'],
  ],
  '410de1': [
    'https: the server refused the connection',
    'The server ended the TLS handshake with an alert.',
    ['Server and iPXE share no cipher or version', 'The server requires a client certificate'],
    ['Allow TLS 1.2 with RSA key exchange on the server, or use http.'],
  ],
  '1d0de1': [
    'https: unknown alert',
    'The server sent a TLS alert that iPXE does not know.',
    [],
    ['Read the log of the web server.'],
  ],
  '410d61': [
    'iSCSI: wrong user name or password',
    'The target refused the login.',
    ['The CHAP user name or password is wrong'],
    [target],
  ],
  '410d62': ['iSCSI: the initiator may not log in', 'The target refused this initiator.', [iscsi], [target]],
  '020d61': [
    'iSCSI: wrong user name of the target',
    'The target answered with another user name.',
    ['The reverse CHAP name differs'],
    [target],
  ],
  '020d62': [
    'iSCSI: wrong password of the target',
    'The target answered with another password.',
    ['The reverse CHAP password differs'],
    [target],
  ],
  '1d0d61': [
    'iSCSI: target not ready',
    'The target is not operational.',
    ['The storage server starts or has a fault'],
    [target],
  ],
  '1c0d63': [
    'iSCSI: no target named',
    'The address of the disk is incomplete.',
    ['The target of the image is misspelled'],
    ['Run bootwright image show NAME.'],
  ],
}
