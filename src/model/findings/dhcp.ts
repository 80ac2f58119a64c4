import type { FindingMeaning } from './finding.ts'

/** Findings about DHCP: no answer, a wrong answer, or too many answers. */
export const dhcpFindings = {
  'BW-DHCP-NO-OFFER': {
    title: 'No DHCP server answered',
    means: 'Machines on this network get no address, so no boot begins.',
    causes: [
      'The network has no DHCP server, or the server is stopped.',
      'The port is in another VLAN, or the router does not relay DHCP from this network.',
      'The switch port waits for spanning tree, 30 to 50 seconds after the link is up.',
      'A firewall drops UDP ports 67 and 68.',
    ],
    todo: [
      'Start the DHCP server, or add its address to the relay (ip helper-address) of this network.',
      'Set the ports of machines to portfast (edge), so that spanning tree does not delay them.',
    ],
    firmware: {
      bios: 'PXE-E51: No DHCP or proxyDHCP offers were received',
      uefi: 'PXE-E18: Server response timeout',
      httpBoot: 'Error: Could not retrieve NBP file size from HTTP server. Error: Server response timeout',
      ipxe: 'No configuration methods succeeded (https://ipxe.org/040ee1)',
    },
  },
  'BW-DHCP-NO-FILE': {
    title: 'DHCP gives an address, but names no boot file',
    means: 'Machines with this firmware get an address, find no boot program, and go to their next boot device.',
    causes: [
      'The DHCP server has no option 67 and no next server.',
      'The DHCP server has boot options for other firmware only.',
      'The built-in proxyDHCP is off, or ignores these machines.',
    ],
    todo: [
      'Add the boot options to the DHCP server.',
      'If the DHCP server cannot have boot options, set `BOOTWRIGHT_PROXY_DHCP` to the interface of this network.',
    ],
    firmware: {
      bios: 'PXE-E53: No boot filename received',
      uefi: 'PXE-E16: No valid offer received',
      httpBoot: 'Error: Server response timeout',
      ipxe: 'Nothing to boot: No such file or directory (https://ipxe.org/2d03e138)',
    },
  },
  'BW-DHCP-WRONG-ARCH': {
    title: 'DHCP offers a boot program for other firmware',
    means: 'The firmware loads the boot program and cannot start it.',
    causes: [
      'The DHCP server gives the same file to all machines.',
      'The rules for option 93 of the DHCP server are in the wrong order, or use the wrong numbers.',
    ],
    todo: ['Choose the boot file in the DHCP server by option 93 (client architecture).'],
    firmware: {
      bios: 'PXE-E79: NBP is too big to fit in free base memory',
      uefi: 'NBP file downloaded successfully. Then the firmware prints no code, and goes to its next boot device.',
      ipxe: 'Exec format error (https://ipxe.org/2e008081)',
    },
  },
  'BW-DHCP-OPTION-60': {
    title: 'The DHCP server sends option 60, but does not answer on port 4011',
    means:
      'Option 60 "PXEClient" tells firmware to fetch its boot file from port 4011 of the DHCP server. Nothing answers there.',
    causes: [
      'Option 60 was left in the DHCP server after another boot service was removed from that computer.',
      'A guide said to set option 60, although the boot server is another computer.',
    ],
    todo: ['Remove option 60 (vendor class identifier) from the scope of the DHCP server.'],
    firmware: {
      bios: 'PXE-E55: ProxyDHCP service did not reply to request on port 4011',
      uefi: 'PXE-E16: No valid offer received',
    },
  },
  'BW-PROXY-SILENT': {
    title: 'A proxyDHCP server offers, but does not answer on port 4011',
    means: 'The firmware asks port 4011 of the proxyDHCP server for its boot file, and gets no answer.',
    causes: [
      'A firewall drops UDP port 4011.',
      'Another program on the boot server has taken port 4011.',
      'The proxyDHCP server is stopped, or serves other firmware only.',
    ],
    todo: ['Permit UDP port 4011 to the boot server.'],
    firmware: {
      bios: 'PXE-E55: ProxyDHCP service did not reply to request on port 4011',
      uefi: 'PXE-E16: No valid offer received',
    },
  },
  'BW-NEXT-SERVER-ELSEWHERE': {
    title: 'DHCP names another boot server',
    means: 'Machines fetch their boot program from a server that is not this Bootwright.',
    causes: [
      'The next server (siaddr) or option 66 has the address of an older boot server.',
      'The next server is empty, so firmware takes the address of the DHCP server.',
      'Bootwright has moved to another address.',
    ],
    todo: ['Set the next server and option 66 of the DHCP server to the address of Bootwright.'],
    firmware: {
      bios: 'PXE-E32: TFTP open timeout',
      uefi: 'PXE-E18: Server response timeout. If nothing listens there: PXE-E99: Unexpected network error, or PXE-E22: Server reported ICMP error',
      ipxe: 'Without a next server: Nothing to boot: No such file or directory (https://ipxe.org/2d03e138)',
    },
  },
  'BW-IPXE-LOOP': {
    title: 'iPXE gets its own boot program instead of a script',
    means: 'iPXE loads the same boot program repeatedly, without end. The machine never asks Bootwright for a script.',
    causes: [
      'The DHCP server does not look at option 77 (user class "iPXE") or option 175.',
      'The rule for iPXE comes after the rule for the firmware.',
    ],
    todo: ['Give iPXE (option 77 "iPXE", or option 175) the URL of /boot.ipxe as its boot file.'],
    firmware: {
      ipxe: 'The banner of iPXE appears again and again. On BIOS, "kB free base memory after PXE unload" has a smaller number each time.',
    },
  },
  'BW-HTTP-BOOT-OFFER': {
    title: 'UEFI HTTP Boot gets an offer that its firmware ignores',
    means: 'UEFI HTTP Boot takes an offer only if it has option 60 "HTTPClient" and a URL as its boot file.',
    causes: ['The DHCP server does not echo option 60.', 'The boot file is a file name for TFTP instead of a URL.'],
    todo: ['For option 93 = 16 or 19: send option 60 "HTTPClient" and a URL with an IP address.'],
    firmware: {
      httpBoot:
        'Error: Could not retrieve NBP file size from HTTP server, with Error: Server response timeout. For a file name: Error: Invalid URI address',
    },
  },
  'BW-DHCP-BAD-OFFER': {
    title: 'DHCP sends an offer that firmware drops',
    means:
      'The offer breaks a rule of DHCP, so firmware ignores it without a message. The machine behaves as if no offer came.',
    causes: [
      'The DHCP server sends no server identifier (option 54). RFC 2131, section 4.3.1, requires it.',
      'A router or a firewall between the DHCP server and the machine rewrites the packets.',
    ],
    todo: ['Update or replace the DHCP server, or let a relay forward to another DHCP server.'],
    firmware: {
      bios: 'PXE-E51: No DHCP or proxyDHCP offers were received',
      uefi: 'PXE-E18: Server response timeout',
      ipxe: 'No configuration methods succeeded (https://ipxe.org/040ee1)',
    },
  },
  'BW-DHCP-NO-ROUTE': {
    title: 'The offered address has no way to the boot server',
    means: 'The boot server is outside the subnet of the offered address, and the offered router does not work.',
    causes: [
      'The DHCP server sends no router (option 3), or the address of a router that is gone.',
      'The subnet mask (option 1) of the DHCP server is too small.',
    ],
    todo: ['Correct option 1 (subnet mask) and option 3 (router) in the scope of the DHCP server.'],
    firmware: {
      bios: 'PXE-E11: ARP timeout, or PXE-E32: TFTP open timeout',
      uefi: 'PXE-E53: No boot filename received, although there was one. With a router that does not answer: PXE-E18: Server response timeout',
      ipxe: 'Network unreachable (https://ipxe.org/280a6011), or Connection timed out (https://ipxe.org/4c0a6035)',
    },
  },
  'BW-DHCP-ROUTER': {
    title: 'The offered router is outside the subnet of the machine',
    means: 'The machine reaches the boot server in its own subnet, but no other network: no mirror and no name server.',
    causes: ['Option 3 (router) of the DHCP server has a typing error.', 'The scope was copied from another subnet.'],
    todo: ['Correct option 3 (router) in the scope of the DHCP server.'],
  },
  'BW-DHCP-DISAGREE': {
    title: 'Two DHCP servers disagree',
    means: 'The machine takes the answer that comes first, so it boots on some days and fails on others.',
    causes: [
      'A second DHCP server (a router, a virtualization host, a test server) is connected to this network.',
      'One of two redundant DHCP servers has no boot options.',
    ],
    todo: ['Remove one of the DHCP servers, or give both the same boot options.'],
    firmware: {
      bios: 'PXE-E53: No boot filename received',
      uefi: 'PXE-E99: Unexpected network error, or PXE-E16: No valid offer received',
    },
  },
  'BW-FOREIGN-PROXY': {
    title: 'Another boot server answers first',
    means: 'Machines take the boot file of another proxyDHCP server on this network.',
    causes: [
      'An older boot server (WDS, FOG, SCCM, pixiecore) still runs.',
      'A colleague runs a boot server for tests.',
    ],
    todo: [
      'Stop the other boot server, or restrict it to its own machines.',
      'If both must run, restrict each by MAC address or subnet.',
    ],
    firmware: {
      uefi: 'Another address after "Server IP address is". If it lacks the file: PXE-E23: Client received TFTP error from server',
    },
  },
  'BW-FOREIGN-SERVER': {
    title: 'A DHCP or boot server was seen that is not acknowledged',
    means: 'Another server answers machines on this network. It may give them wrong addresses or boot files.',
    causes: [
      'A new DHCP server was installed.',
      'A router or a virtual machine with its own DHCP server was connected.',
    ],
    todo: [
      'List such servers: `bootwright servers --new`.',
      'Find the server by its address. If it belongs here: `bootwright servers acknowledge ADDRESS`.',
    ],
  },
  'BW-POOL-EMPTY': {
    title: 'A DHCP server is present, but offers no address',
    means: 'The DHCP server answers questions about options, but has no address for a new machine.',
    causes: [
      'All addresses of the pool are leased.',
      'The DHCP server gives addresses to registered machines only.',
      'The pool belongs to another subnet.',
    ],
    todo: ['Look at the leases of the DHCP server. Enlarge the pool, or shorten the lease time.'],
    firmware: {
      bios: 'PXE-E52: proxyDHCP offers were received. No DHCP offers were received',
      uefi: 'PXE-E18: Server response timeout, or PXE-E16: No valid offer received',
      ipxe: 'No configuration methods succeeded (https://ipxe.org/040ee1). With an IPv6 router on the network: Nothing to boot (https://ipxe.org/2d03e138)',
    },
  },
  'BW-RELAY-TO-US-ONLY': {
    title: 'The relay forwards DHCP to Bootwright only',
    means:
      'The proxyDHCP of Bootwright answers through the relay, but it never gives addresses. No DHCP server answers.',
    causes: [
      'The address of the DHCP server was replaced in the relay, instead of adding Bootwright as a second address.',
    ],
    todo: ['Configure both addresses in the relay (ip helper-address): the DHCP server and Bootwright.'],
    firmware: {
      bios: 'PXE-E52: proxyDHCP offers were received. No DHCP offers were received',
      uefi: 'PXE-E16: No valid offer received',
      ipxe: 'No configuration methods succeeded (https://ipxe.org/040ee1)',
    },
  },
} as const satisfies Record<string, FindingMeaning>
