import type { FindingMeaning } from './finding.ts'

/** Findings about the server that runs Bootwright, and about the checks themselves. */
export const serverFindings = {
  'BW-SERVER': {
    title: 'The Bootwright server does not answer',
    means: 'The command line cannot ask the server, so all checks of the server are missing.',
    causes: [
      'The server is stopped.',
      'The command runs as another user, on another computer, or with another data folder.',
    ],
    todo: ['Start the server, or set BOOTWRIGHT_URL and BOOTWRIGHT_TOKEN.'],
  },
  'BW-DATABASE': {
    title: 'The database is unreachable or slow',
    means:
      'Machines boot as of the last known state, and changes are refused. A server without such a state refuses machines.',
    causes: ['PostgreSQL is stopped or unreachable.', 'The disk of the embedded database is full or slow.'],
    todo: [
      'Look at the log of Bootwright and of PostgreSQL. Do not restart Bootwright: it recovers when the database answers.',
    ],
  },
  'BW-CLOCK': {
    title: 'The clock is wrong',
    means: 'HTTPS, limits of deployments and the order of events depend on the time.',
    causes: ['No time service runs on this server.', 'The database runs on a computer whose clock differs.'],
    todo: ['Start a time service (chrony, systemd-timesyncd) on both computers.'],
    firmware: { ipxe: 'Certificate has expired or is not yet valid (https://ipxe.org/0216e48f)' },
  },
  'BW-PORT-TAKEN': {
    title: 'Another program uses a port of Bootwright',
    means: 'Packets of machines go to the other program, or to both.',
    causes: ['Another TFTP or DHCP server (dnsmasq, tftpd-hpa, libvirt) runs on this computer.'],
    todo: ['Find the program: `ss -lunp`. Stop it, or choose another address for one of them.'],
  },
  'BW-DISK-FULL': {
    title: 'The disk is almost full',
    means: 'If the disk is full, imports fail and the embedded database cannot record boots.',
    causes: ['Old versions of images are kept.', 'Another program fills the same disk.'],
    todo: ['Delete old image versions and run the garbage collection: `bootwright file gc`.'],
  },
  'BW-JOURNAL': {
    title: 'The journal is full or cannot be written',
    means:
      'Boots and reports wait in the journal until the database takes them. If neither takes them, Bootwright begins no installation and answers reports with 503.',
    causes: [
      'The database has been unreachable for a long time, and the journal reached `BOOTWRIGHT_JOURNAL_BYTES`.',
      'The disk of the data folder is full or read-only.',
    ],
    todo: ['Make the database reachable, free space on the disk, or set a higher `BOOTWRIGHT_JOURNAL_BYTES`.'],
  },
  'BW-SETTINGS': {
    title: 'Two settings do not fit together',
    means: 'Each setting is valid, but together they stop some machines from booting.',
    causes: ['A setting was changed without the other.'],
    todo: ['Change one of the settings that the finding names, and restart Bootwright.'],
  },
  'BW-NO-NBPS': {
    title: 'No boot program was found',
    means: 'Firmware has nothing to load. Only machines whose network card contains iPXE can boot.',
    causes: ['Setup could not download the boot programs.', '`BOOTWRIGHT_NBP_DIR` is an empty folder.'],
    todo: ['Restart with `npm start`, which downloads the boot programs, or copy them into the folder.'],
  },
  'BW-NEVER-ASKED': {
    title: 'The machine never asked',
    means: 'Bootwright has seen no packet and no request of this machine.',
    causes: [
      'Network boot is off in the firmware, or the disk comes first.',
      'The machine is in another network, or has another MAC address.',
      'A virtual machine with UEFI has no random number generator: its firmware then offers no network boot (edk2#9530).',
      'The DHCP server answers without boot options, so the machine never asks Bootwright.',
    ],
    todo: ['Put network boot first in the firmware. Give a virtual machine a VirtIO RNG device.'],
  },
  'BW-BOOT-FAILED': {
    title: 'The last boot of the machine failed',
    means: 'The machine reached Bootwright, but its boot did not end well.',
    causes: ['The message of the boot names the cause.'],
    todo: ['Read the events of the boot: `bootwright boots show ID`.'],
  },
  'BW-REFUSED': {
    title: 'Bootwright refuses to boot the machine',
    means: 'The machine gets a script that shows the reason, instead of an image.',
    causes: ['The decision of the machine names the rule.'],
    todo: ['Show the decision and its reasons: `bootwright explain MAC`.'],
  },
  'BW-PROBE': {
    title: 'The doctor could not send its own packets',
    means: 'The checks of the network are missing or incomplete.',
    causes: [
      'UDP port 68 needs root or the capability CAP_NET_BIND_SERVICE.',
      'The interface does not exist, is down, or has no IPv4 address.',
    ],
    todo: [
      'Run the doctor as root, with the interface of the boot network: `sudo bootwright doctor --interface NAME`.',
    ],
  },
  'BW-PROBE-LOCAL': {
    title: 'The probe did not leave the boot server',
    means: 'The probe ran on the boot server itself. A firewall that stops machines does not stop such a probe.',
    causes: ['The doctor, or the server, probes from the computer on which Bootwright runs.'],
    todo: ['Run the doctor on another computer of the boot network: see docs/guide/doctor.md.'],
  },
  'BW-CHECK': {
    title: 'A check could not finish',
    means: 'The check failed or took too long. The result of this check is unknown.',
    causes: ['The finding names the error.'],
    todo: ['Run the doctor again. If the check fails again, report the error.'],
  },
} as const satisfies Record<string, FindingMeaning>
