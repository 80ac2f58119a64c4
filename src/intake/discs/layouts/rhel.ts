// Anaconda and dracut: Fedora, RHEL and its rebuilds.
import type { Layout } from '../layouts.ts'
import { answered, archIn, archOf, bootif, fileAt, nameFrom, oneLine, type Source, treeOf } from './source.ts'

/**
 * Anaconda: Fedora, RHEL, AlmaLinux, Rocky Linux, CentOS. Its initrd asks `inst.stage2` for `.treeinfo`, for the image that this
 * names (else `images/install.img`), and for `images/updates.img` and `images/product.img`, which need not be there
 * (anaconda's dracut/anaconda-lib.sh, anaconda_net_root). Packages come from `inst.repo` or what the kickstart says.
 */
export async function findAnaconda(source: Source): Promise<Layout | undefined> {
  const kernel = source.find('images/pxeboot/vmlinuz')
  const initrd = source.find('images/pxeboot/initrd.img')
  const info = await source.text('.treeinfo')
  const stage2 = iniValue(info, 'stage2', 'mainimage') ?? 'images/install.img'
  if (kernel === undefined || initrd === undefined || source.find(stage2) === undefined) return undefined
  const [, release = '', discArch = ''] = (await source.text('.discinfo')).split('\n')
  const family = oneLine(iniValue(info, 'general', 'family') ?? iniValue(info, 'release', 'name') ?? '')
  const version = oneLine(iniValue(info, 'general', 'version') ?? '')
  const title = [family, version].filter(Boolean).join(' ') || oneLine(release) || 'Anaconda installer'
  const whole = source.match(/(?:^|\/)repodata\/repomd\.xml$/).length > 0
  return {
    family: /fedora/i.test(title) ? 'fedora' : 'rhel',
    installer: true,
    title,
    suggestedName: nameFrom(title),
    variants: [
      {
        arch: archIn(iniValue(info, 'general', 'arch') ?? discArch) ?? archOf(source),
        kind: 'linux',
        kernel: fileAt(kernel),
        initrds: [fileAt(initrd)],
        args: [
          'inst.stage2={{ tree }}',
          'ip=dhcp',
          bootif,
          answered('inst.ks={{ boot.answer_url }}'),
          '{% if params.repo %}inst.repo={{ params.repo }}{% endif %}',
        ],
        tree: treeOf(source, ['.treeinfo', stage2, 'images/updates.img', 'images/product.img']),
      },
    ],
    notes: [
      'Packages come from a repository: name it in the kickstart, with --param repo=URL, or in the installer.',
      ...(whole
        ? [
            'Those on this disc are not imported: to install from them, serve its whole content by HTTP as that repository.',
          ]
        : []),
    ],
  }
}

/**
 * Live discs that dracut starts: Fedora's (images/pxeboot or, built by kiwi, boot/ARCH/loader) and openSUSE's and SUSE's Agama.
 * `root=live:URL` takes a squashfs or an ISO that has one (dracut.cmdline(7), 90livenet).
 */
export async function findDracutLive(source: Source): Promise<Layout | undefined> {
  const squashfs = source.find('LiveOS/squashfs.img')
  const kernel =
    source.find('images/pxeboot/vmlinuz') ?? source.match(/^boot\/(x86_64|aarch64)\/(?:loader\/)?linux$/)[0]?.[0]
  const initrd = kernel?.endsWith('vmlinuz')
    ? source.find('images/pxeboot/initrd.img')
    : kernel?.replace(/linux$/, 'initrd')
  if (squashfs === undefined || kernel === undefined || initrd === undefined || source.find(initrd) === undefined)
    return undefined
  const menu = `${await source.text('boot/grub2/grub.cfg')}\n${await source.text('EFI/BOOT/grub.cfg')}`
  const fedora = !kernel.endsWith('/linux') || /fedora/i.test(menu)
  const title = fedora ? 'Fedora Live' : 'openSUSE installer (Agama)'
  const iso = 'agama.iso'
  const bytes = source.entries.reduce(
    (sum, entry) => sum + (fedora && entry.path !== squashfs ? 0 : entry.sizeBytes),
    0,
  )
  return {
    family: fedora ? 'fedora-live' : 'opensuse',
    ...(fedora ? {} : { installer: true }),
    title,
    suggestedName: fedora ? 'fedora-live' : 'opensuse-agama',
    variants: [
      {
        arch: archIn(kernel) ?? archOf(source),
        kind: 'linux',
        kernel: fileAt(kernel),
        initrds: [fileAt(initrd)],
        args: [
          `root=live:{{ tree }}/${fedora ? 'LiveOS/squashfs.img' : iso}`,
          'rd.live.image',
          'ip=dhcp',
          bootif,
          // https://agama-project.github.io/docs/user/reference/boot_options
          ...(fedora ? [] : [answered('inst.auto={{ boot.answer_url }}')]),
        ],
        tree: fedora ? treeOf(source, ['LiveOS/squashfs.img']) : [],
        ...(fedora ? {} : { iso: { treePath: iso } }),
      },
    ],
    notes: [`${(bytes / 1e9).toFixed(1)} GB are loaded into memory, and the system needs some besides.`],
  }
}

/** A value of an .ini file, as .treeinfo is one. */
function iniValue(text: string, section: string, key: string): string | undefined {
  let current = ''
  for (const line of text.split('\n')) {
    const heading = /^\s*\[([^\]]+)\]/.exec(line)?.[1]
    if (heading !== undefined) current = heading
    const [name, ...value] = line.split('=')
    if (current === section && name?.trim() === key && value.length > 0) return value.join('=').trim() || undefined
  }
  return undefined
}
