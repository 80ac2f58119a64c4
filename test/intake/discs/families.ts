import type { Layout } from '../../../src/intake/discs/layouts.ts'

/** Files by path: a number is a size, a text is what is in a small file. */
export type Files = Record<string, string | number>

const bootif = '{% if machine.mac %}BOOTIF=01-{{ machine.mac | replace: ":", "-" }}{% endif %}'
const preseed = [
  '{% if boot.answer_url %}auto=true{% endif %}',
  '{% if boot.answer_url %}priority=critical{% endif %}',
  '{% if boot.answer_url %}url={{ boot.answer_url }}{% endif %}',
  '{% if boot.answer_url %}locale={{ params.locale | default: "en_US.UTF-8" }}{% endif %}',
  '{% if boot.answer_url %}keymap={{ params.keymap | default: "us" }}{% endif %}',
  '{% if boot.answer_url %}interface=auto{% endif %}',
  bootif,
  '{% if machine.hostname %}hostname={{ machine.hostname }}{% endif %}',
  '{% if boot.answer_url %}domain={% endif %}',
]
const autoinstall = [
  '{% if boot.answer_url %}autoinstall{% endif %}',
  '{% if boot.answer_url %}ds=nocloud-net;s={{ boot.nocloud_url }}{% endif %}',
]
const kickstart = [
  '{% if boot.answer_url %}inst.ks={{ boot.answer_url }}{% endif %}',
  '{% if params.repo %}inst.repo={{ params.repo }}{% endif %}',
]
const ignition = '{% if boot.answer_url %}ignition.config.url={{ boot.answer_url }}{% endif %}'
const file = (path: string, name = path.slice(path.lastIndexOf('/') + 1)) => ({ path, name })
const here = (path: string) => ({ path, treePath: path })

/** Each family: the paths that its media have, and what they are. */
export const families: Record<string, { files: Files; layout: Omit<Layout, 'notes'>; notes?: RegExp }> = {
  'Debian netboot.tar.gz': {
    files: {
      'version.info': 'Debian version: 12 (bookworm)\nInstaller build: 20230607+deb12u8\n',
      'ldlinux.c32': 1,
      'debian-installer/amd64/linux': 8_000_000,
      'debian-installer/amd64/initrd.gz': 40_000_000,
      'debian-installer/amd64/grubx64.efi': 1,
      'debian-installer/amd64/pxelinux.0': 1,
      'debian-installer/arm64/linux': 8_000_000,
      'debian-installer/arm64/initrd.gz': 40_000_000,
    },
    layout: {
      family: 'debian',
      installer: true,
      title: 'Debian 12 installer',
      suggestedName: 'debian-12',
      variants: (['amd64', 'arm64'] as const).map((word) => ({
        arch: word === 'amd64' ? 'x86_64' : 'arm64',
        kind: 'linux',
        kernel: file(`debian-installer/${word}/linux`),
        initrds: [file(`debian-installer/${word}/initrd.gz`)],
        args: preseed,
        tree: [],
      })),
    },
  },
  'Debian mini.iso': {
    files: {
      linux: 1,
      'initrd.gz': 1,
      'isolinux.cfg': 'default menu',
      'efi/boot/bootaa64.efi': 1,
      '[BOOT]/Boot-NoEmul.img': 1,
    },
    layout: {
      family: 'debian',
      installer: true,
      title: 'Debian installer',
      suggestedName: 'debian-netboot',
      variants: [
        { arch: 'arm64', kind: 'linux', kernel: file('linux'), initrds: [file('initrd.gz')], args: preseed, tree: [] },
      ],
    },
  },
  'Debian netinst': {
    files: {
      '.disk/info': 'Debian GNU/Linux 12.8.0 "Bookworm" - Official amd64 NETINST with firmware 20241109-11:05',
      'install.amd/vmlinuz': 1,
      'install.amd/initrd.gz': 1,
      'install.amd/gtk/vmlinuz': 1,
      'install.amd/gtk/initrd.gz': 1,
      'EFI/boot/bootx64.efi': 1,
      'dists/bookworm/Release': 'Origin: Debian',
      '[BOOT]/1-Boot-NoEmul.img': 1,
    },
    layout: {
      family: 'debian',
      installer: true,
      title: 'Debian GNU/Linux 12.8.0 "Bookworm"',
      suggestedName: 'debian-12.8.0-disc',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('install.amd/vmlinuz'),
          initrds: [file('install.amd/initrd.gz')],
          args: preseed,
          tree: [],
        },
      ],
    },
    notes: /Detect and mount installation media.*netboot/s,
  },
  'Debian live': {
    files: {
      '.disk/info': 'Official Debian GNU/Linux Live 12.8.0 gnome 2024-11-09T11:15',
      'live/vmlinuz': 1,
      'live/vmlinuz-6.1.0-27-amd64': 1,
      'live/initrd.img': 1,
      'live/initrd.img-6.1.0-27-amd64': 1,
      'live/filesystem.squashfs': 2_900_000_000,
      'EFI/boot/bootx64.efi': 1,
    },
    layout: {
      family: 'debian-live',
      title: 'Official Debian GNU/Linux Live 12.8.0 gnome 2024-11-09T11:15',
      suggestedName: 'debian-live-12.8.0-gnome',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('live/vmlinuz'),
          initrds: [file('live/initrd.img')],
          args: ['boot=live', 'components', bootif, 'fetch={{ tree }}/live/filesystem.squashfs'],
          tree: [here('live/filesystem.squashfs')],
        },
      ],
    },
    notes: /2\.9 GB/,
  },
  'Debian live for old machines, with a kernel for 686 and one for amd64': {
    files: {
      '.disk/info': 'Debian GNU/Linux Live 11.9.0 bullseye - i386',
      'live/filesystem.squashfs': 900_000_000,
      'live/vmlinuz-5.10.0-28-686-pae': 1,
      'live/initrd.img-5.10.0-28-686-pae': 1,
      'live/vmlinuz-5.10.0-28-amd64': 1,
      'live/initrd.img-5.10.0-28-amd64': 1,
    },
    layout: {
      family: 'debian-live',
      title: 'Debian GNU/Linux Live 11.9.0 bullseye - i386',
      suggestedName: 'debian-live-11.9.0-bullseye',
      variants: [
        ['i386', '686-pae'],
        ['x86_64', 'amd64'],
      ].map(([arch, word]) => ({
        arch: arch as 'i386',
        kind: 'linux',
        kernel: file(`live/vmlinuz-5.10.0-28-${word}`),
        initrds: [file(`live/initrd.img-5.10.0-28-${word}`)],
        args: ['boot=live', 'components', bootif, 'fetch={{ tree }}/live/filesystem.squashfs'],
        tree: [here('live/filesystem.squashfs')],
      })),
    },
  },
  'Pop!_OS': {
    files: {
      '.disk/info': 'Pop_OS 22.04 LTS "Jammy Jellyfish" - Release amd64 (20240310)',
      'casper_pop-os_22.04_amd64_intel_debug_42/vmlinuz.efi': 1,
      'casper_pop-os_22.04_amd64_intel_debug_42/initrd.gz': 1,
      'casper_pop-os_22.04_amd64_intel_debug_42/filesystem.squashfs': 2_700_000_000,
    },
    layout: {
      family: 'ubuntu',
      title: 'Pop_OS 22.04 LTS Jammy Jellyfish',
      suggestedName: 'pop_os-22.04',
      installer: true,
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('casper_pop-os_22.04_amd64_intel_debug_42/vmlinuz.efi'),
          initrds: [file('casper_pop-os_22.04_amd64_intel_debug_42/initrd.gz')],
          args: [
            'ip=dhcp',
            bootif,
            'url={{ tree }}/ubuntu.iso',
            'cloud-config-url=/dev/null',
            'boot=casper',
            'live-media-path=/casper_pop-os_22.04_amd64_intel_debug_42',
            ...autoinstall,
          ],
          tree: [],
          iso: { treePath: 'ubuntu.iso' },
        },
      ],
    },
  },
  "NixOS's netboot folder": {
    files: {
      bzImage: 1,
      initrd: 1,
      'netboot.ipxe':
        '#!ipxe\n# Use the cmdline variable\nkernel bzImage init=/nix/store/0abc-nixos-system/init initrd=initrd nohibernate loglevel=4 ${cmdline}\ninitrd initrd\nboot\n',
    },
    layout: {
      family: 'nixos',
      title: 'NixOS (netboot)',
      suggestedName: 'nixos-netboot',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('bzImage'),
          initrds: [file('initrd')],
          args: ['init=/nix/store/0abc-nixos-system/init', 'nohibernate', 'loglevel=4'],
          tree: [],
        },
      ],
    },
  },
  'a folder with an iPXE script of its own, by whole URLs': {
    files: {
      'vmlinuz-aarch64': 1,
      'initrd-aarch64': 1,
      'start.ipxe':
        '#!ipxe\nkernel --name k https://example.org/v1/vmlinuz-aarch64 quiet || goto failed\ninitrd https://example.org/v1/initrd-aarch64\nboot\n',
    },
    layout: {
      family: 'ipxe-script',
      title: 'Linux by start.ipxe',
      suggestedName: 'start',
      variants: [
        {
          arch: 'arm64',
          kind: 'linux',
          kernel: file('vmlinuz-aarch64'),
          initrds: [file('initrd-aarch64')],
          args: ['quiet'],
          tree: [],
        },
      ],
    },
  },
  Harvester: {
    files: {
      'boot/kernel': 1,
      'boot/initrd': 1,
      'rootfs.squashfs': 900_000_000,
      'harvester-release.yaml': 'harvester: v1.6.1\nos: Harvester v1.6.1\n',
      'bundle/harvester/images.tar.zst': 1,
    },
    layout: {
      family: 'harvester',
      title: 'Harvester v1.6.1',
      suggestedName: 'harvester-v1.6.1',
      installer: true,
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('boot/kernel'),
          initrds: [file('boot/initrd')],
          args: [
            'ip=dhcp',
            bootif,
            'net.ifnames=1',
            'rd.cos.disable',
            'rd.noverifyssl',
            'root=live:{{ tree }}/rootfs.squashfs',
            '{% if boot.answer_url %}harvester.install.automatic=true{% endif %}',
            '{% if boot.answer_url %}harvester.install.config_url={{ boot.answer_url }}{% endif %}',
          ],
          tree: [here('rootfs.squashfs')],
          iso: { treePath: 'harvester.iso' },
        },
      ],
    },
    notes: /install\.iso_url/,
  },
  'Photon OS': {
    files: {
      'isolinux/vmlinuz': 1,
      'isolinux/initrd.img': 1,
      'isolinux/sample_ks.cfg': '{}',
      'RPMS/noarch/photon-release-5.0-3.ph5.noarch.rpm': 1,
    },
    layout: {
      family: 'photon',
      title: 'Photon OS 5.0',
      suggestedName: 'photon-5.0',
      installer: true,
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('isolinux/vmlinuz'),
          initrds: [file('isolinux/initrd.img')],
          args: [
            'root=/dev/ram0',
            'loglevel=3',
            'repo={{ params.repo | default: "https://packages.vmware.com/photon/5.0/photon_release_5.0_x86_64" }}',
            '{% if boot.answer_url %}ks={{ boot.answer_url }}{% endif %}',
          ],
          tree: [],
        },
      ],
    },
  },
  'VMware ESXi, as ISO 9660 writes its names': {
    files: {
      'BOOT.CFG':
        'bootstate=0\ntitle=Loading ESXi installer\ntimeout=5\nprefix=\nkernel=/b.b00\nkernelopt=runweasel cdromBoot\nmodules=/jumpstrt.gz --- /useropts.gz --- /tools.t00 x=1\nbuild=8.0.3-0.0.24022510\nupdated=0\n',
      'EFI/BOOT/BOOTX64.EFI': 1,
      'EFI/BOOT/CRYPTO64.EFI': 1,
      'B.B00': 1,
      'JUMPSTRT.GZ': 1,
      'USEROPTS.GZ': 1,
      'TOOLS.T00': 1,
    },
    layout: {
      family: 'esxi',
      title: 'ESXi 8.0.3',
      suggestedName: 'esxi-8.0.3',
      installer: true,
      variants: [
        {
          arch: 'x86_64',
          platform: 'efi',
          kind: 'efi',
          file: { path: 'EFI/BOOT/BOOTX64.EFI', name: 'mboot.efi' },
          args: ['{% if boot.answer_url %}ks={{ boot.answer_url }}{% endif %}', bootif],
          tree: [
            { path: 'EFI/BOOT/BOOTX64.EFI', treePath: 'mboot.efi' },
            { path: 'EFI/BOOT/CRYPTO64.EFI', treePath: 'crypto64.efi' },
            { path: 'BOOT.CFG', treePath: 'boot.cfg' },
            { path: 'B.B00', treePath: 'b.b00' },
            { path: 'JUMPSTRT.GZ', treePath: 'jumpstrt.gz' },
            { path: 'USEROPTS.GZ', treePath: 'useropts.gz' },
            { path: 'TOOLS.T00', treePath: 'tools.t00' },
          ],
          bootConfig: 'boot.cfg',
        },
      ],
    },
    notes: /only on UEFI/,
  },
  'Ubuntu live server': {
    files: {
      '.disk/info': 'Ubuntu-Server 24.04.1 LTS "Noble Numbat" - Release amd64 (20240827)',
      'casper/vmlinuz': 15_000_000,
      'casper/initrd': 70_000_000,
      'casper/hwe-vmlinuz': 1,
      'casper/ubuntu-server-minimal.squashfs': 2_600_000_000,
      'EFI/boot/bootx64.efi': 1,
    },
    layout: {
      family: 'ubuntu',
      installer: true,
      title: 'Ubuntu-Server 24.04.1 LTS Noble Numbat',
      suggestedName: 'ubuntu-server-24.04.1',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('casper/vmlinuz'),
          initrds: [file('casper/initrd')],
          args: ['ip=dhcp', bootif, 'url={{ tree }}/ubuntu.iso', 'cloud-config-url=/dev/null', ...autoinstall],
          tree: [],
          iso: { treePath: 'ubuntu.iso' },
        },
      ],
    },
    notes: /2\.7 GB.*at least 7 GB/,
  },
  'Ubuntu netboot.tar.gz': {
    files: {
      'amd64/linux': 1,
      'amd64/initrd': 1,
      'amd64/pxelinux.cfg/default':
        'LABEL linux\n APPEND root=/dev/ram0 ramdisk_size=1500000 ip=dhcp iso-url=https://releases.ubuntu.com/24.04.1/ubuntu-24.04.1-live-server-amd64.iso ---\n',
    },
    layout: {
      family: 'ubuntu',
      installer: true,
      title: 'Ubuntu 24.04.1 network installer',
      suggestedName: 'ubuntu-24.04.1',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('amd64/linux'),
          initrds: [file('amd64/initrd')],
          args: [
            'ip=dhcp',
            bootif,
            'url=https://releases.ubuntu.com/24.04.1/ubuntu-24.04.1-live-server-amd64.iso',
            'cloud-config-url=/dev/null',
            ...autoinstall,
          ],
          tree: [],
        },
      ],
    },
  },
  'Rocky Linux boot ISO': {
    files: {
      '.treeinfo':
        '[general]\narch = x86_64\nfamily = Rocky Linux\nname = Rocky Linux 9.4\nversion = 9.4\n\n[stage2]\nmainimage = images/install.img\n',
      '.discinfo': '1714688410.9\nRocky Linux 9.4\nx86_64\n',
      'images/pxeboot/vmlinuz': 1,
      'images/pxeboot/initrd.img': 1,
      'images/install.img': 800_000_000,
      'images/efiboot.img': 1,
      'EFI/BOOT/BOOTX64.EFI': 1,
    },
    layout: {
      family: 'rhel',
      installer: true,
      title: 'Rocky Linux 9.4',
      suggestedName: 'rocky-linux-9.4',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('images/pxeboot/vmlinuz'),
          initrds: [file('images/pxeboot/initrd.img')],
          args: ['inst.stage2={{ tree }}', 'ip=dhcp', bootif, ...kickstart],
          tree: [here('.treeinfo'), here('images/install.img')],
        },
      ],
    },
  },
  'AlmaLinux DVD, arm64, with a product image': {
    files: {
      '.treeinfo': '[general]\narch = aarch64\nfamily = AlmaLinux\nversion = 9.4\n',
      'images/pxeboot/vmlinuz': 1,
      'images/pxeboot/initrd.img': 1,
      'images/install.img': 1,
      'images/product.img': 1,
      'BaseOS/repodata/repomd.xml': 1,
      'EFI/BOOT/BOOTAA64.EFI': 1,
    },
    layout: {
      family: 'rhel',
      installer: true,
      title: 'AlmaLinux 9.4',
      suggestedName: 'almalinux-9.4',
      variants: [
        {
          arch: 'arm64',
          kind: 'linux',
          kernel: file('images/pxeboot/vmlinuz'),
          initrds: [file('images/pxeboot/initrd.img')],
          args: ['inst.stage2={{ tree }}', 'ip=dhcp', bootif, ...kickstart],
          tree: [here('.treeinfo'), here('images/install.img'), here('images/product.img')],
        },
      ],
    },
    notes: /serve its whole content/,
  },
  'CentOS 7, whose stage 2 is elsewhere': {
    files: {
      '.treeinfo':
        '[general]\nfamily = CentOS\nversion = 7\narch = x86_64\n[stage2]\nmainimage = LiveOS/squashfs.img\n',
      'images/pxeboot/vmlinuz': 1,
      'images/pxeboot/initrd.img': 1,
      'LiveOS/squashfs.img': 1,
    },
    layout: {
      family: 'rhel',
      installer: true,
      title: 'CentOS 7',
      suggestedName: 'centos-7',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('images/pxeboot/vmlinuz'),
          initrds: [file('images/pxeboot/initrd.img')],
          args: ['inst.stage2={{ tree }}', 'ip=dhcp', bootif, ...kickstart],
          tree: [here('.treeinfo'), here('LiveOS/squashfs.img')],
        },
      ],
    },
  },
  'Fedora netinst, without .treeinfo': {
    files: {
      '.discinfo': '1729540000.1\nFedora 41\nx86_64\n',
      'images/pxeboot/vmlinuz': 1,
      'images/pxeboot/initrd.img': 1,
      'images/install.img': 1,
    },
    layout: {
      family: 'fedora',
      installer: true,
      title: 'Fedora 41',
      suggestedName: 'fedora-41',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('images/pxeboot/vmlinuz'),
          initrds: [file('images/pxeboot/initrd.img')],
          args: ['inst.stage2={{ tree }}', 'ip=dhcp', bootif, ...kickstart],
          tree: [here('images/install.img')],
        },
      ],
    },
  },
  'Fedora Workstation live': {
    files: {
      'images/pxeboot/vmlinuz': 1,
      'images/pxeboot/initrd.img': 1,
      'LiveOS/squashfs.img': 2_000_000_000,
      'EFI/BOOT/BOOTX64.EFI': 1,
    },
    layout: {
      family: 'fedora-live',
      title: 'Fedora Live',
      suggestedName: 'fedora-live',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('images/pxeboot/vmlinuz'),
          initrds: [file('images/pxeboot/initrd.img')],
          args: ['root=live:{{ tree }}/LiveOS/squashfs.img', 'rd.live.image', 'ip=dhcp', bootif],
          tree: [here('LiveOS/squashfs.img')],
        },
      ],
    },
    notes: /2\.0 GB/,
  },
  'openSUSE Leap 16 (Agama)': {
    files: {
      'boot/x86_64/loader/linux': 1,
      'boot/x86_64/loader/initrd': 1,
      'LiveOS/squashfs.img': 900_000_000,
      'boot/grub2/grub.cfg': 'menuentry "Install openSUSE Leap 16.0" {\n',
      'EFI/BOOT/bootx64.efi': 1,
    },
    layout: {
      family: 'opensuse',
      installer: true,
      title: 'openSUSE installer (Agama)',
      suggestedName: 'opensuse-agama',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('boot/x86_64/loader/linux'),
          initrds: [file('boot/x86_64/loader/initrd')],
          args: [
            'root=live:{{ tree }}/agama.iso',
            'rd.live.image',
            'ip=dhcp',
            bootif,
            '{% if boot.answer_url %}inst.auto={{ boot.answer_url }}{% endif %}',
          ],
          tree: [],
          iso: { treePath: 'agama.iso' },
        },
      ],
    },
  },
  'openSUSE Leap 15.6 DVD': {
    files: {
      'boot/x86_64/loader/linux': 1,
      'boot/x86_64/loader/initrd': 1,
      'boot/x86_64/root': 1,
      'boot/x86_64/config': 'root: …',
      'media.1/products': '/ openSUSE-Leap 15.6-1\n',
      'repodata/repomd.xml': 1,
    },
    layout: {
      family: 'opensuse',
      installer: true,
      title: 'openSUSE Leap 15.6',
      suggestedName: 'opensuse-leap-15.6',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('boot/x86_64/loader/linux'),
          initrds: [file('boot/x86_64/loader/initrd')],
          args: [
            'install={{ params.repo | default: "http://download.opensuse.org/distribution/leap/15.6/repo/oss" }}',
            bootif,
            '{% if boot.answer_url %}autoyast={{ boot.answer_url }}{% endif %}',
          ],
          tree: [],
        },
      ],
    },
  },
  'Tumbleweed for arm64': {
    files: {
      'boot/aarch64/linux': 1,
      'boot/aarch64/initrd': 1,
      'media.1/products': '/ openSUSE 20261113-0\n',
    },
    layout: {
      family: 'opensuse',
      installer: true,
      title: 'openSUSE Tumbleweed',
      suggestedName: 'opensuse-tumbleweed',
      variants: [
        {
          arch: 'arm64',
          kind: 'linux',
          kernel: file('boot/aarch64/linux'),
          initrds: [file('boot/aarch64/initrd')],
          args: [
            'install={{ params.repo | default: "http://download.opensuse.org/ports/aarch64/tumbleweed/repo/oss" }}',
            bootif,
            '{% if boot.answer_url %}autoyast={{ boot.answer_url }}{% endif %}',
          ],
          tree: [],
        },
      ],
    },
    notes: /changes daily/,
  },
  'Alpine netboot': {
    files: {
      'boot/vmlinuz-lts': 1,
      'boot/initramfs-lts': 1,
      'boot/modloop-lts': 1,
      'boot/config-6.12.13-0-lts':
        '#\n# Automatically generated file; DO NOT EDIT.\n# Linux/arm64 6.12.13 Kernel Configuration\n#\n',
    },
    layout: {
      family: 'alpine',
      title: 'Alpine Linux',
      suggestedName: 'alpine',
      variants: [
        {
          arch: 'arm64',
          kind: 'linux',
          kernel: file('boot/vmlinuz-lts'),
          initrds: [file('boot/initramfs-lts')],
          args: [
            'ip=dhcp',
            bootif,
            'alpine_repo={{ params.repo | default: "http://dl-cdn.alpinelinux.org/alpine/latest-stable/main" }}',
            'modloop={{ tree }}/boot/modloop-lts',
            'modules=loop,squashfs',
          ],
          tree: [here('boot/modloop-lts')],
        },
      ],
    },
  },
  'Alpine ISO': {
    files: {
      '.alpine-release': 'alpine-standard-3.20.3 240906\n',
      'boot/vmlinuz-lts': 1,
      'boot/initramfs-lts': 1,
      'boot/modloop-lts': 1,
      'apks/x86_64/APKINDEX.tar.gz': 1,
      'efi/boot/bootx64.efi': 1,
    },
    layout: {
      family: 'alpine',
      title: 'Alpine Linux 3.20',
      suggestedName: 'alpine-3.20',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('boot/vmlinuz-lts'),
          initrds: [file('boot/initramfs-lts')],
          args: [
            'ip=dhcp',
            bootif,
            'alpine_repo={{ params.repo | default: "http://dl-cdn.alpinelinux.org/alpine/v3.20/main" }}',
            'modloop={{ tree }}/boot/modloop-lts',
            'modules=loop,squashfs',
          ],
          tree: [here('boot/modloop-lts')],
        },
      ],
    },
    notes: /no drivers for network cards/,
  },
  'Arch Linux': {
    files: {
      'arch/version': '2026.11.01\n',
      'arch/boot/x86_64/vmlinuz-linux': 1,
      'arch/boot/x86_64/initramfs-linux.img': 1,
      'arch/boot/intel-ucode.img': 1,
      'arch/boot/amd-ucode.img': 1,
      'arch/x86_64/airootfs.sfs': 900_000_000,
      'arch/x86_64/airootfs.sha512': 'abc  airootfs.sfs',
      'arch/x86_64/airootfs.sfs.cms.sig': 1,
      'boot/memtest86+/memtest': 1,
    },
    layout: {
      family: 'arch',
      title: 'Arch Linux 2026.11.01',
      suggestedName: 'arch-linux-2026.11.01',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('arch/boot/x86_64/vmlinuz-linux'),
          initrds: [
            file('arch/boot/intel-ucode.img'),
            file('arch/boot/amd-ucode.img'),
            file('arch/boot/x86_64/initramfs-linux.img'),
          ],
          args: [
            'archisobasedir=arch',
            'archiso_http_srv={{ tree }}/',
            'ip=dhcp',
            bootif,
            'checksum=y',
            'cms_verify=y',
            '{% if boot.answer_url %}script={{ boot.answer_url }}{% endif %}',
          ],
          tree: [
            here('arch/x86_64/airootfs.sfs'),
            here('arch/x86_64/airootfs.sha512'),
            here('arch/x86_64/airootfs.sfs.cms.sig'),
          ],
        },
      ],
    },
  },
  SystemRescue: {
    files: {
      'sysresccd/VERSION': '11.02\n',
      'sysresccd/boot/x86_64/vmlinuz': 1,
      'sysresccd/boot/x86_64/sysresccd.img': 1,
      'sysresccd/x86_64/airootfs.sfs': 1,
      'sysresccd/x86_64/airootfs.sha512': 'abc  airootfs.sfs',
    },
    layout: {
      family: 'arch',
      title: 'SystemRescue 11.02',
      suggestedName: 'systemrescue-11.02',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('sysresccd/boot/x86_64/vmlinuz'),
          initrds: [file('sysresccd/boot/x86_64/sysresccd.img')],
          args: ['archisobasedir=sysresccd', 'archiso_http_srv={{ tree }}/', 'ip=dhcp', bootif, 'checksum=y'],
          tree: [here('sysresccd/x86_64/airootfs.sfs'), here('sysresccd/x86_64/airootfs.sha512')],
        },
      ],
    },
  },
  Flatcar: {
    files: { 'flatcar_production_pxe.vmlinuz': 1, 'flatcar_production_pxe_image.cpio.gz': 1, 'version.txt': 1 },
    layout: {
      family: 'flatcar',
      title: 'Flatcar Container Linux',
      suggestedName: 'flatcar',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('flatcar_production_pxe.vmlinuz'),
          initrds: [file('flatcar_production_pxe_image.cpio.gz')],
          args: ['{% if boot.answer_url %}flatcar.first_boot=1{% endif %}', ignition],
          tree: [],
        },
      ],
    },
  },
  'Fedora CoreOS, the files for PXE': {
    files: {
      'fedora-coreos-43.20260413.3.2-live-kernel.aarch64': 1,
      'fedora-coreos-43.20260413.3.2-live-initramfs.aarch64.img': 1,
      'fedora-coreos-43.20260413.3.2-live-rootfs.aarch64.img': 1,
    },
    layout: {
      family: 'fedora-coreos',
      title: 'Fedora CoreOS 43.20260413.3.2',
      suggestedName: 'fedora-coreos-43.20260413.3.2',
      variants: [
        {
          arch: 'arm64',
          kind: 'linux',
          kernel: file('fedora-coreos-43.20260413.3.2-live-kernel.aarch64'),
          initrds: [file('fedora-coreos-43.20260413.3.2-live-initramfs.aarch64.img')],
          args: [
            'coreos.live.rootfs_url={{ tree }}/rootfs.img',
            'ip=dhcp',
            bootif,
            'rd.neednet=1',
            'ignition.firstboot',
            'ignition.platform.id=metal',
            ignition,
          ],
          tree: [{ path: 'fedora-coreos-43.20260413.3.2-live-rootfs.aarch64.img', treePath: 'rootfs.img' }],
        },
      ],
    },
  },
  'Fedora CoreOS live ISO': {
    files: {
      'images/pxeboot/vmlinuz': 1,
      'images/pxeboot/initrd.img': 1,
      'images/pxeboot/rootfs.img': 1,
      'images/ignition.img': 1,
      'coreos/features.json': 1,
      'EFI/fedora/grub.cfg': 1,
    },
    layout: {
      family: 'fedora-coreos',
      title: 'Fedora CoreOS',
      suggestedName: 'fedora-coreos',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('images/pxeboot/vmlinuz'),
          initrds: [file('images/pxeboot/initrd.img')],
          args: [
            'coreos.live.rootfs_url={{ tree }}/rootfs.img',
            'ip=dhcp',
            bootif,
            'rd.neednet=1',
            'ignition.firstboot',
            'ignition.platform.id=metal',
            ignition,
          ],
          tree: [{ path: 'images/pxeboot/rootfs.img', treePath: 'rootfs.img' }],
        },
      ],
    },
  },
  Talos: {
    files: { 'vmlinuz-amd64': 1, 'initramfs-amd64.xz': 1, 'vmlinuz-arm64': 1, 'sha256sum.txt': 1 },
    layout: {
      family: 'talos',
      title: 'Talos Linux',
      suggestedName: 'talos',
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file('vmlinuz-amd64'),
          initrds: [file('initramfs-amd64.xz')],
          args: [
            'talos.platform=metal',
            'slab_nomerge',
            'pti=on',
            'init_on_alloc=1',
            'console=tty0',
            '{% if boot.answer_url %}talos.config={{ boot.answer_url }}{% endif %}',
          ],
          tree: [],
        },
      ],
    },
  },
  'Memtest86+ 7, its binaries': {
    files: { 'memtest32.bin': 1, 'memtest32.efi': 1, 'memtest64.bin': 1, 'memtest64.efi': 1, 'memtest_la64.efi': 1 },
    layout: {
      family: 'memtest',
      title: 'Memtest86+',
      suggestedName: 'memtest86plus',
      variants: [
        {
          arch: 'i386',
          platform: 'pcbios',
          kind: 'linux',
          kernel: file('memtest32.bin'),
          initrds: [],
          args: [],
          tree: [],
        },
        { arch: 'i386', platform: 'efi', kind: 'efi', file: file('memtest32.efi'), args: [] },
        {
          arch: 'x86_64',
          platform: 'pcbios',
          kind: 'linux',
          kernel: file('memtest64.bin'),
          initrds: [],
          args: [],
          tree: [],
        },
        { arch: 'x86_64', platform: 'efi', kind: 'efi', file: file('memtest64.efi'), args: [] },
      ],
    },
  },
  'Memtest86+ 8, one file for both': {
    files: { mt86p_i586: 1, mt86p_la64: 1, mt86p_x86_64: 1 },
    layout: {
      family: 'memtest',
      title: 'Memtest86+',
      suggestedName: 'memtest86plus',
      variants: [
        { arch: 'i386', platform: 'efi', kind: 'efi', file: file('mt86p_i586'), args: [] },
        {
          arch: 'i386',
          platform: 'pcbios',
          kind: 'linux',
          kernel: file('mt86p_i586'),
          initrds: [],
          args: [],
          tree: [],
        },
        { arch: 'x86_64', platform: 'efi', kind: 'efi', file: file('mt86p_x86_64'), args: [] },
        {
          arch: 'x86_64',
          platform: 'pcbios',
          kind: 'linux',
          kernel: file('mt86p_x86_64'),
          initrds: [],
          args: [],
          tree: [],
        },
      ],
    },
  },
  "Debian's Memtest86+": {
    files: { 'boot/memtest86+x64.bin': 1, 'boot/memtest86+x64.efi': 1 },
    layout: {
      family: 'memtest',
      title: 'Memtest86+',
      suggestedName: 'memtest86plus',
      variants: [
        {
          arch: 'x86_64',
          platform: 'pcbios',
          kind: 'linux',
          kernel: file('boot/memtest86+x64.bin', 'memtest86_x64.bin'),
          initrds: [],
          args: [],
          tree: [],
        },
        {
          arch: 'x86_64',
          platform: 'efi',
          kind: 'efi',
          file: file('boot/memtest86+x64.efi', 'memtest86_x64.efi'),
          args: [],
        },
      ],
    },
  },
  "Memtest86+'s own ISO": {
    files: {
      'EFI/BOOT/bootx64.efi': 157_184,
      'boot/floppy.img': 1_474_560,
      'boot.catalog': 2048,
      '[BOOT]/1-Boot-1.44M.img': 1_474_560,
      '[BOOT]/2-Boot-NoEmul.img': 4_194_304,
    },
    layout: {
      family: 'memtest',
      title: 'Memtest86+',
      suggestedName: 'memtest86plus',
      variants: [
        { arch: 'x86_64', platform: 'efi', kind: 'efi', file: file('EFI/BOOT/bootx64.efi'), args: [] },
        {
          arch: 'x86_64',
          platform: 'pcbios',
          kind: 'linux',
          kernel: file('boot/floppy.img'),
          initrds: [],
          args: [],
          tree: [],
        },
      ],
    },
  },
  mfsBSD: {
    files: {
      'boot/kernel/kernel.gz': 1,
      'boot/loader': 1,
      'boot/loader.conf': 'mfs_load="YES"',
      'mfsroot.gz': 1,
      '[BOOT]/Boot-NoEmul.img': 1,
    },
    layout: {
      family: 'freebsd',
      title: 'mfsBSD',
      suggestedName: 'mfsbsd',
      variants: [{ arch: 'x86_64', platform: 'pcbios', kind: 'sanboot', file: 'iso' }],
    },
    notes: /runs from memory/,
  },
  "FreeBSD's installer": {
    files: { 'boot/kernel/kernel': 1, 'boot/loader': 1, 'bin/sh': 1, 'EFI/BOOT/BOOTX64.EFI': 1 },
    layout: {
      family: 'freebsd',
      title: 'FreeBSD',
      suggestedName: 'freebsd',
      variants: [{ arch: 'x86_64', kind: 'sanboot', file: 'iso' }],
    },
    notes: /looks for its root on a CD/,
  },
  'Windows setup': {
    files: {
      'BOOT/BCD': 1,
      'boot/boot.sdi': 1,
      'sources/boot.wim': 1,
      'sources/install.wim': 1,
      'efi/boot/bootx64.efi': 1,
      bootmgr: 1,
      'bootmgr.efi': 1,
      '[BOOT]/1-Boot-NoEmul.img': 1,
    },
    layout: {
      family: 'windows',
      installer: true,
      title: 'Windows setup',
      suggestedName: 'windows-setup',
      variants: [
        {
          arch: 'x86_64',
          kind: 'wimboot',
          files: [file('BOOT/BCD', 'BCD'), file('boot/boot.sdi'), file('sources/boot.wim')],
          args: [],
        },
      ],
    },
    notes: /wimboot itself.*install\.wim on a share/s,
  },
  'Windows PE for arm64, with wimboot beside it': {
    files: { 'Boot/BCD': 1, 'Boot/boot.sdi': 1, 'sources/boot.wim': 1, 'EFI/Boot/bootaa64.efi': 1, wimboot: 1 },
    layout: {
      family: 'windows',
      title: 'Windows PE',
      suggestedName: 'windows-pe',
      variants: [
        {
          arch: 'arm64',
          kind: 'wimboot',
          files: [file('Boot/BCD'), file('Boot/boot.sdi'), file('sources/boot.wim')],
          wimboot: file('wimboot'),
          args: [],
        },
      ],
    },
  },
  'EFI programs': {
    files: { 'shellx64.efi': 1, 'shellaa64.efi': 1 },
    layout: {
      family: 'efi',
      title: 'shellaa64',
      suggestedName: 'shellaa64',
      variants: [
        { arch: 'arm64', platform: 'efi', kind: 'efi', file: file('shellaa64.efi'), args: [] },
        { arch: 'x86_64', platform: 'efi', kind: 'efi', file: file('shellx64.efi'), args: [] },
      ],
    },
  },
  'some bootable disc': {
    files: { 'BOOT.CAT': 1, 'TOOL/TOOL.IMG': 1, '[BOOT]/Boot-1.44M.img': 1_474_560 },
    layout: {
      family: 'disc',
      title: 'Bootable disc',
      suggestedName: 'disc',
      variants: [{ arch: 'x86_64', platform: 'pcbios', kind: 'sanboot', file: 'iso' }],
    },
    notes: /seldom works/,
  },
}
