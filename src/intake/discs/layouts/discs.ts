// Harvester, Photon OS, and discs that cannot be installed from over HTTP.
import type { Layout } from '../layouts.ts'
import { answered, archOf, bootif, commandByHand, fileAt, nameFrom, type Source, treeOf } from './source.ts'

/**
 * Harvester's installer: kernel and initrd, which fetch rootfs.squashfs, and a configuration that names the ISO as
 * `install.iso_url` (https://docs.harvesterhci.io, PXE Boot Installation).
 */
export async function findHarvester(source: Source): Promise<Layout | undefined> {
  const [kernel, initrd, rootfs, release] = [
    'boot/kernel',
    'boot/initrd',
    'rootfs.squashfs',
    'harvester-release.yaml',
  ].map((path) => source.find(path))
  if (kernel === undefined || initrd === undefined || rootfs === undefined || release === undefined) return undefined
  const version = /^harvester:\s*"?(v[\w.-]{1,30})/m.exec(await source.text(release))?.[1]
  return {
    family: 'harvester',
    title: version === undefined ? 'Harvester' : `Harvester ${version}`,
    suggestedName: nameFrom(`harvester ${version ?? ''}`),
    installer: true,
    variants: [
      {
        arch: archOf(source),
        kind: 'linux',
        kernel: fileAt(kernel),
        initrds: [fileAt(initrd)],
        args: [
          'ip=dhcp',
          bootif,
          'net.ifnames=1',
          'rd.cos.disable',
          'rd.noverifyssl',
          'root=live:{{ tree }}/rootfs.squashfs',
          answered('harvester.install.automatic=true'),
          answered('harvester.install.config_url={{ boot.answer_url }}'),
        ],
        tree: treeOf(source, ['rootfs.squashfs']),
        iso: { treePath: 'harvester.iso' },
      },
    ],
    notes: [
      'Its configuration has to name the ISO as install.iso_url: {{ tree }}/harvester.iso is where it is served.',
    ],
  }
}

/**
 * Photon OS: the installer's initrd takes its packages from `repo` and its answers from `ks` (Photon's documentation,
 * Kickstart Support).
 */
export async function findPhoton(source: Source): Promise<Layout | undefined> {
  const [kernel, initrd] = ['isolinux/vmlinuz', 'isolinux/initrd.img'].map((path) => source.find(path))
  const packages = source.match(/^RPMS\/.*photon-release-(\d+\.\d+)/i)[0]
  if (kernel === undefined || initrd === undefined || packages === undefined) return undefined
  const [, version = ''] = packages
  const arch = archOf(source)
  const word = arch === 'arm64' ? 'aarch64' : 'x86_64'
  const repository = `https://packages.vmware.com/photon/${version}/photon_release_${version}_${word}`
  return {
    family: 'photon',
    title: `Photon OS ${version}`,
    suggestedName: nameFrom(`photon ${version}`),
    installer: true,
    variants: [
      {
        arch,
        kind: 'linux',
        kernel: fileAt(kernel),
        initrds: [fileAt(initrd)],
        args: [
          'root=/dev/ram0',
          'loglevel=3',
          `repo={{ params.repo | default: "${repository}" }}`,
          answered('ks={{ boot.answer_url }}'),
        ],
        tree: [],
      },
    ],
    notes: [`Packages come from ${repository}, if not --param repo=URL. Those of this disc are not imported.`],
  }
}

type Stubborn = { mark: RegExp; family: string; title: string; advice: string }

/** Discs whose kernel and initrd look for the disc itself, by a file that only they have. */
const stubborn: Stubborn[] = [
  {
    mark: /^(boot\/linux26|\.pve-cd-id\.txt|\.pmg-cd-id\.txt|\.pbs-cd-id\.txt)$/,
    family: 'proxmox',
    title: 'Proxmox',
    advice:
      'The initrd looks for the disc, or for the whole ISO as /proxmox.iso inside the initrd. Append the ISO to the initrd as a cpio archive, and add that initrd',
  },
  {
    mark: /^nix-store\.squashfs$/,
    family: 'nixos',
    title: 'NixOS (disc)',
    advice:
      "Its initrd looks for the disc by its label. NixOS's netboot files boot: nix-build '<nixpkgs/nixos/release.nix>' -A netboot.x86_64-linux, then bootwright image import result; or add a kernel and an initrd of your own",
  },
  {
    mark: /^boot\/xen\.gz$/,
    family: 'xcp-ng',
    title: 'XCP-ng',
    advice:
      'The disc starts Xen, with Linux and install.img as modules, which iPXE can on BIOS alone: bootwright image add xcp-ng --ipxe SCRIPT, with kernel …/boot/xen.gz, module …/boot/vmlinuz and module …/install.img by whole URLs. A kernel and an initrd without Xen are added',
  },
  {
    mark: /^LiveOS\/squashfs\.img$/,
    family: 'live-disc',
    title: 'Live disc (Void Linux or another)',
    advice:
      "Its initrd looks for the disc by its label, and may have no network. Void's netboot tarball boots: bootwright image import void-x86_64-netboot-DATE.tar.gz; or add a kernel and an initrd that know root=live:URL",
  },
]

/** A layout without a variant: its notes say why, and what to do by hand. */
export async function findStubbornDisc(source: Source): Promise<Layout | undefined> {
  const found = stubborn.find(({ mark }) => source.match(mark).length > 0)
  if (found === undefined) return undefined
  const { family, title, advice } = found
  const name = nameFrom(family)
  const notes = [`${title} does not boot over the network as it is. ${advice}: ${commandByHand(source.entries, name)}`]
  return { family, title, suggestedName: name, variants: [], notes }
}
