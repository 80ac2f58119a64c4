// Renders boot.cfg of VMware's boot loader for a boot. Pure.

/** The maximum size of a boot.cfg. That of ESXi has 6,000 bytes. */
export const maxBootConfigBytes = 65_536

/**
 * VMware's boot.cfg for a boot. Modules are fetched below `prefix`, so their names lose the first slash. In `kernelopt`, the
 * options replace `cdromBoot`, which makes the installer look for a disc. Other lines stay.
 */
export function renderBootConfig(text: string, prefix: string, options: string[]): string {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const withoutPrefix = lines.filter((line) => !/^\s*prefix\s*=/i.test(line))
  const relative = withoutPrefix.map((line) => {
    const [, name = '', value = ''] = /^\s*(kernel|modules)\s*=(.*)$/i.exec(line) ?? []
    return name === '' ? line : `${name.toLowerCase()}=${value.replaceAll(/(^|\s)\/+/g, '$1')}`
  })
  const at = relative.findIndex((line) => /^\s*kernelopt\s*=/i.test(line))
  const before = at < 0 ? [] : (relative[at] ?? '').replace(/^[^=]*=/, '').split(/\s+/)
  const kernelopt = `kernelopt=${[...before.filter((option) => option !== '' && option !== 'cdromBoot'), ...options].join(' ')}`
  const others = at < 0 ? relative : relative.toSpliced(at, 1)
  const first = others.findIndex((line) => /^\s*kernel\s*=/i.test(line))
  const place = first < 0 ? others.length : first
  return others.toSpliced(place, 0, `prefix=${prefix}`, kernelopt).join('\n')
}
