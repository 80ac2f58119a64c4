// linuxrc: openSUSE and SUSE Linux Enterprise.
import type { Layout } from '../layouts.ts'
import { answered, archIn, archOf, bootif, fileAt, nameFrom, oneLine, type Source } from './source.ts'

/**
 * openSUSE and SLE up to 15, and Tumbleweed: linuxrc. `install` names a whole repository. linuxrc fetches repodata/repomd.xml or
 * media.1/products, CHECKSUMS with its signature, boot/ARCH/config and the parts of the installer listed there (linuxrc's url.c,
 * test_is_repo). The packages come from the same place, so it is the distribution's own repository.
 */
export async function findLinuxrc(source: Source): Promise<Layout | undefined> {
  const kernels = source.match(/^boot\/(x86_64|aarch64|i386)\/(?:loader\/)?linux$/).flatMap(([kernel, word = '']) => {
    const initrd = source.find(kernel.replace(/linux$/, 'initrd'))
    return initrd === undefined ? [] : [{ kernel, initrd, word }]
  })
  const [first] = kernels
  if (first === undefined) return undefined
  const product = oneLine((await source.text('media.1/products')).replace(/^\/ /, ''))
  const leap = /Leap[- ]([\d.]+)/.exec(product)?.[1]
  const tumbleweed = leap === undefined && /^openSUSE[- ]\d{8}/.test(product)
  const arm = first.word === 'aarch64' ? 'ports/aarch64/' : ''
  const repository =
    leap !== undefined
      ? `http://download.opensuse.org/distribution/leap/${leap}/repo/oss`
      : tumbleweed
        ? `http://download.opensuse.org/${arm}tumbleweed/repo/oss`
        : undefined
  const title = leap !== undefined ? `openSUSE Leap ${leap}` : tumbleweed ? 'openSUSE Tumbleweed' : 'SUSE installer'
  return {
    family: 'opensuse',
    installer: true,
    title,
    suggestedName: nameFrom(title),
    variants: kernels.map(({ kernel, initrd, word }) => ({
      arch: archIn(word) ?? archOf(source),
      kind: 'linux' as const,
      kernel: fileAt(kernel),
      initrds: [fileAt(initrd)],
      args: [
        repository === undefined ? 'install={{ params.repo }}' : `install={{ params.repo | default: "${repository}" }}`,
        bootif,
        answered('autoyast={{ boot.answer_url }}'),
      ],
      tree: [],
    })),
    notes: [
      'The installer itself and the packages come from a repository' +
        (repository === undefined ? ': name it with --param repo=URL.' : `, ${repository} if not --param repo=URL.`),
      ...(tumbleweed
        ? ['Tumbleweed changes daily: when the repository has moved on from this disc, the installer refuses it.']
        : []),
    ],
  }
}
