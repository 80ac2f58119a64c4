// boot.cfg of VMware's boot loader, rewritten for one boot. Pure.
/** The longest boot.cfg that is filled in, bytes: ESXi's has 6,000. */
export const maxBootConfigBytes = 65_536

/**
 * VMware's boot.cfg for one boot. Modules come from `prefix`, so their names lose the leading slash. `kernelopt` gets
 * these options in place of `cdromBoot`, which makes the installer look for a disc. Other lines stay.
 */
export function renderBootConfig(text: string, prefix: string, options: string[]): string {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const kept = lines.filter((line) => !/^\s*prefix\s*=/i.test(line))
  const without = kept.map((line) => {
    const [, name = '', value = ''] = /^\s*(kernel|modules)\s*=(.*)$/i.exec(line) ?? []
    return name === '' ? line : `${name.toLowerCase()}=${value.replaceAll(/(^|\s)\/+/g, '$1')}`
  })
  const at = without.findIndex((line) => /^\s*kernelopt\s*=/i.test(line))
  const before = at < 0 ? [] : (without[at] ?? '').replace(/^[^=]*=/, '').split(/\s+/)
  const kernelopt = `kernelopt=${[...before.filter((one) => one !== '' && one !== 'cdromBoot'), ...options].join(' ')}`
  const rest = at < 0 ? without : without.toSpliced(at, 1)
  const first = rest.findIndex((line) => /^\s*kernel\s*=/i.test(line))
  const place = first < 0 ? rest.length : first
  return rest.toSpliced(place, 0, `prefix=${prefix}`, kernelopt).join('\n')
}
