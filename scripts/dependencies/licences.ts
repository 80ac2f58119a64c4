/** Licences (SPDX) that a production dependency may have. Before you add one, check that it fits Apache-2.0. */
const licences = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT', 'Unlicense']

/** Single packages with another licence, each with the reason. */
const exceptions: Record<string, string> = {
  // The Zero-Clause BSD licence (0BSD), in the package's own spelling.
  'htmx.org': 'BSD-0-Clause',
  // A library that users can replace in node_modules, unchanged, as the LGPL asks.
  openpgp: 'LGPL-3.0+',
}

export type Lock = { packages: Record<string, { version?: string; license?: string; dev?: boolean }> }

/** A line for each production dependency of a package-lock.json whose licence is not on the list. */
export function unlistedLicences({ packages }: Lock): string[] {
  return Object.entries(packages).flatMap(([path, { version, license = 'none', dev = false }]) => {
    const name = path.split('node_modules/').at(-1) ?? ''
    if (name === '' || dev || licences.includes(license) || exceptions[name] === license) return []
    return [
      `${name} ${version}: expected ${licences.join(', ')}, got "${license}". See scripts/dependencies/licences.ts`,
    ]
  })
}
