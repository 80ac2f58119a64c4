import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readKeys } from 'openpgp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fillRecipe, type Recipe, type RecipeFile, type RecipeSums, versionIn } from '../../src/intake/recipe.ts'
import { formatRecipeFault, loadRecipes, readKey, shippedRecipes } from '../../src/intake/recipes.ts'
import { archs } from '../../src/model/arch.ts'
import { argFaults } from '../../src/render/args.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-recipes-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A folder of its own with these files. */
async function folderOf(files: Record<string, string>): Promise<string> {
  const made = await mkdtemp(join(folder, 'r'))
  await mkdir(join(made, 'keys'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(made, name), text)
  return made
}

const smallest = `
title: Tool
family: tools
variants:
  - { kind: efi, arch: x86_64, file: { url: 'https://example.org/tool.efi' } }
`

const linux = `
title: T
family: t
variants:
  - kind: linux
    arch: x86_64
    kernel: { url: 'https://example.org/k' }
`

function filesOf(recipe: Recipe): RecipeFile[] {
  return recipe.variants.flatMap((one): RecipeFile[] => {
    if (one.kind === 'linux') return [one.kernel, ...one.initrds, ...one.tree]
    return [one.kind === 'archive' ? one.archive : one.file]
  })
}

function listsOf(sums: RecipeSums | undefined): RecipeSums[] {
  return sums === undefined ? [] : [sums, ...listsOf(sums.sums)]
}

const shipped = await loadRecipes([shippedRecipes])

describe('the recipes of the program', () => {
  test('have no faults, and are all there', async () => {
    expect(shipped.faults).toEqual([])
    const files = (await readdir(shippedRecipes)).filter((name) => name.endsWith('.yaml'))
    expect([...shipped.recipes.keys()].map((name) => `${name}.yaml`)).toEqual(files.sort())
    expect(files.length).toBeGreaterThan(15)
  })

  test('use every key that is there', async () => {
    const lists = [...shipped.recipes.values()].flatMap(filesOf).flatMap(({ sums }) => listsOf(sums))
    const used = new Set(lists.map(({ key }) => key).filter((key) => key !== undefined))
    expect([...used].map((key) => `${key}.asc`).sort()).toEqual((await readdir(join(shippedRecipes, 'keys'))).sort())
  })
})

describe.each([...shipped.recipes.values()])('recipe $name', (recipe) => {
  const filled = fillRecipe(recipe, { mirrors: {}, version: '1.2.3' })

  test('fetches over HTTPS, or what is signed', () => {
    for (const file of filesOf(filled)) {
      const lists = listsOf(file.sums)
      const signed = lists.some(({ signature }) => signature !== undefined)
      for (const { protocol } of [file.url, ...lists.map(({ url }) => url)].map((url) => new URL(url)))
        expect([recipe.name, signed ? 'https:' : protocol]).toEqual([recipe.name, 'https:'])
      expect(JSON.stringify(file)).not.toMatch(/\{\{\w/)
      // Each file has something that it is checked by.
      expect(file.sha256 ?? file.sha512 ?? file.sums).toBeDefined()
    }
  })

  test('is for machines that there are, once each', () => {
    const targets = filled.variants.map(({ arch, platform }) => `${arch} ${platform ?? ''}`)
    expect(new Set(targets).size).toBe(targets.length)
    for (const { arch } of filled.variants) expect(archs).toContain(arch)
  })

  test('has an end of life, or says why it has none, and tells where it comes from', async () => {
    expect([recipe.endOfLife, recipe.noEndOfLife].filter(Boolean)).toHaveLength(1)
    expect(recipe.homepage).toMatch(/^https:/)
    expect(await readFile(join(shippedRecipes, `${recipe.name}.yaml`), 'utf8')).toMatch(/^# .*erified/m)
  })

  test('has arguments that can be saved, whose names are those that there are', () => {
    for (const variant of filled.variants) if ('args' in variant) expect(argFaults(variant.args, 'args')).toEqual([])
  })

  test('has keys that can be read', async () => {
    for (const { key } of filesOf(recipe).flatMap(({ sums }) => listsOf(sums))) {
      if (key === undefined) continue
      const keys = await readKeys({ armoredKeys: await readKey(recipe, key) })
      expect(keys.every((one) => !one.isPrivate())).toBe(true)
      expect(keys.length).toBeGreaterThan(0)
    }
  })
})

test('the recipe of Debian 12, whole', () => {
  const recipe = shipped.recipes.get('debian-12') as Recipe
  const version = versionIn(
    ' aa 78509 main/installer-amd64/20230607/images/SHA256SUMS\n' +
      ' bb 78509 main/installer-amd64/20230607+deb12u9/images/SHA256SUMS\n' +
      ' bb 78509 main/installer-amd64/20230607+deb12u10/images/SHA256SUMS\n',
    recipe.version?.pattern ?? '',
  )
  expect(version).toBe('20230607+deb12u10')
  const { variants } = fillRecipe(recipe, { mirrors: { debian: 'http://mirror.local/debian/' }, version })
  const images = (arch: string) =>
    `http://mirror.local/debian/dists/bookworm/main/installer-${arch}/20230607+deb12u10/images`
  const sums = (arch: string) => ({
    url: `${images(arch)}/SHA256SUMS`,
    sums: { url: 'http://mirror.local/debian/dists/bookworm/InRelease', signature: 'inline', key: 'debian' },
  })
  expect(variants).toEqual(
    [['x86_64', 'amd64'] as const, ['arm64', 'arm64'] as const].map(([arch, word]) => ({
      kind: 'linux',
      arch,
      kernel: { url: `${images(word)}/netboot/debian-installer/${word}/linux`, sums: sums(word) },
      initrds: [{ url: `${images(word)}/netboot/debian-installer/${word}/initrd.gz`, sums: sums(word) }],
      tree: [],
      args: [
        '{% if boot.answer_url %}auto=true{% endif %}',
        '{% if boot.answer_url %}priority=critical{% endif %}',
        '{% if boot.answer_url %}url={{ boot.answer_url }}{% endif %}',
        '{% if boot.answer_url %}locale={{ params.locale | default: "en_US.UTF-8" }}{% endif %}',
        '{% if boot.answer_url %}keymap={{ params.keymap | default: "us" }}{% endif %}',
        '{% if boot.answer_url %}interface=auto{% endif %}',
        '{% if machine.mac %}BOOTIF=01-{{ machine.mac | replace: ":", "-" }}{% endif %}',
        '{% if machine.hostname %}hostname={{ machine.hostname }}{% endif %}',
        '{% if boot.answer_url %}domain={% endif %}',
      ],
    })),
  )
})

describe('recipes of a user', () => {
  test('replace one of the same name, and add to the others', async () => {
    const own = await folderOf({ 'debian-12.yaml': smallest, 'tool.yml': smallest })
    const { recipes, faults } = await loadRecipes([shippedRecipes, own])
    expect(faults).toEqual([])
    expect(recipes.get('debian-12')).toMatchObject({ title: 'Tool', folder: own })
    expect(recipes.get('tool')).toEqual({
      name: 'tool',
      title: 'Tool',
      family: 'tools',
      notes: [],
      keys: {},
      text: smallest,
      origin: 'data-folder',
      folder: own,
      variants: [{ kind: 'efi', arch: 'x86_64', file: { url: 'https://example.org/tool.efi' }, args: [] }],
    })
    expect(recipes.size).toBe(shipped.recipes.size + 1)
  })

  test('need not be there', async () => {
    expect(await loadRecipes([join(folder, 'nowhere')])).toEqual({ recipes: new Map(), faults: [] })
  })

  test('may use keys of their own folder, before those of the program', async () => {
    const own = await folderOf({
      'tool.yaml': smallest.replace(
        "tool.efi'",
        "tool.efi', sums: { url: 'https://example.org/SUMS', signature: inline, key: mine }",
      ),
      'keys/mine.asc': 'mine',
    })
    const { recipes, faults } = await loadRecipes([own])
    expect(faults).toEqual([])
    expect(await readKey(recipes.get('tool') as Recipe, 'mine')).toBe('mine')
    expect(await readKey(recipes.get('tool') as Recipe, 'debian')).toContain('BEGIN PGP PUBLIC KEY BLOCK')
  })

  test('of the database replace those of folders, and contain their own keys', async () => {
    const own = await folderOf({ 'tool.yaml': smallest, 'other.yaml': smallest })
    const armored = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmine\n'
    const text = `${smallest.replace(
      "tool.efi'",
      "tool.efi', sums: { url: 'https://example.org/SUMS', signature: inline, key: mine }",
    )}keys:\n  mine: |\n    ${armored.replaceAll('\n', '\n    ')}\n`
    const wrong = text.replace('key: mine', 'key: theirs')
    const { recipes, faults } = await loadRecipes(
      [own],
      [
        { name: 'tool', text },
        { name: 'wrong', text: wrong },
      ],
    )
    expect(recipes.get('tool')).toMatchObject({ origin: 'database', text })
    expect(recipes.get('other')).toMatchObject({ origin: 'data-folder' })
    expect(await readKey(recipes.get('tool') as Recipe, 'mine')).toBe(armored)
    expect(faults).toEqual([
      {
        recipe: 'wrong',
        file: 'the database',
        message: 'key: expected a key of that name in the keys of the recipe, got "theirs"',
      },
    ])
  })

  const efi = "kind: efi, arch: x86_64, file: { url: 'https://example.org/tool.efi' }"
  test.each<[string, string, string]>([
    ['nothing', '', 'the recipe: expected an object'],
    ['no YAML', 'title: [', 'expected YAML: '],
    ['an own tag', 'title: !!js/function "x"', 'expected YAML|is required'],
    ['no title', smallest.replace('title: Tool', ''), 'title is required'],
    [
      'a field that there is none of',
      smallest.replace('family', 'url: x\nfamily'),
      'unknown field "url"; expected one of',
    ],
    ['no variants', 'title: T\nfamily: t\nvariants: []', 'variants: expected at least one variant'],
    [
      'a kind that there is none of',
      smallest.replace('kind: efi', 'kind: floppy'),
      'variants[0].kind: expected linux, efi, ipxe, sanboot or archive, got "floppy"',
    ],
    ['an arch that there is none of', smallest.replace('x86_64', 'amd64'), 'variants[0].arch: expected'],
    [
      'no arch',
      smallest.replace('arch: x86_64, ', ''),
      'variants[0].arch: expected x86_64, i386, arm64, or archs above, got nothing',
    ],
    [
      'no URL',
      smallest.replace('https://example.org/tool.efi', 'tool.efi'),
      'variants[0].file.url: expected an http or https URL, got "tool.efi"',
    ],
    [
      'a URL of this machine',
      smallest.replace('https://example.org/tool.efi', 'file:///etc/passwd'),
      'variants[0].file.url: expected an http or https URL, got "file:///etc/passwd"',
    ],
    [
      'a hash that is none',
      smallest.replace("tool.efi'", "tool.efi', sha256: 'abc'"),
      'variants[0].file.sha256: expected 64 hexadecimal digits, got "abc"',
    ],
    [
      'a mirror without one',
      smallest.replace('https://example.org', '{{mirror}}'),
      'mirror: expected a mirror, because the recipe uses {{mirror}}, got nothing',
    ],
    [
      'a name to fill in that there is none of',
      smallest.replace('example.org/', 'example.org/{{flavor}}'),
      'expected {{mirror}}, {{version}} or {{arch}}, and not {{flavor}}',
    ],
    [
      'a signature without a key',
      smallest.replace("tool.efi'", "tool.efi', sums: { url: 'https://example.org/S', signature: inline }"),
      'variants[0].file.sums.key: expected a key if there is a signature, and no key otherwise',
    ],
    [
      'a key that is not there',
      smallest.replace(
        "tool.efi'",
        "tool.efi', sums: { url: 'https://example.org/S', signature: inline, key: nobody }",
      ),
      'key: expected a key of that name in the keys of the recipe, or a file nobody.asc in ',
    ],
    [
      'a key of another folder',
      smallest.replace(
        "tool.efi'",
        "tool.efi', sums: { url: 'https://example.org/S', signature: inline, key: ../../x }",
      ),
      'variants[0].file.sums.key: expected the name of a key',
    ],
    [
      'a pattern that is none',
      smallest.replace("tool.efi'", "tool.efi', sums: { url: 'https://example.org/S', pattern: '(' }"),
      'variants[0].file.sums.pattern: expected a regular expression with one group, got "("',
    ],
    [
      'a pattern without a group',
      smallest.replace("tool.efi'", "tool.efi', sums: { url: 'https://example.org/S', pattern: 'x' }"),
      'expected a regular expression with one group',
    ],
    [
      'an end of life that is no day',
      `${smallest}endOfLife: 2028-02-30\n`,
      'endOfLife: expected a day, 2028-06-30, got "2028-02-30"',
    ],
    [
      'a tree that climbs out',
      `title: T\nfamily: t\nvariants:\n  - kind: linux\n    arch: x86_64\n    kernel: { url: 'https://example.org/k' }\n    tree: [{ path: ../k, url: 'https://example.org/k' }]\n`,
      'variants[0].tree[0].path: expected a path',
    ],
    [
      'aliases without end',
      `a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d]\n`,
      'alias',
    ],
    [
      'an alias within itself',
      smallest.replace("url: 'https", "sums: &s { url: 'https://example.org/s', sums: *s }, url: 'https"),
      'expected YAML whose aliases (*name) are few and not within themselves',
    ],
    [
      'an argument of two words',
      `${linux}    args: [quiet, "a b"]\n`,
      'the args for x86_64[1]: expected a kernel argument: no white space',
    ],
    [
      'an argument that is no Liquid',
      `${linux}    args: ["x={{ secrets.x }}"]\n`,
      'the args for x86_64[0]: expected valid Liquid',
    ],
    ['a tree that is not there', `${linux}    args: ["x={{ tree }}"]\n`, 'expected no {{ tree }} in a variant without'],
    [
      'two variants for the same machines',
      `${smallest}  - { kind: efi, arch: x86_64, file: { url: 'https://example.org/other.efi' } }\n`,
      'variants: expected one for x86_64 and any platform, got more',
    ],
    [
      'a key twice',
      smallest.replace('title:', 'family: other\ntitle:'),
      'map keys must be unique, but "family" occurs twice',
    ],
    [
      'unknown fields without number',
      `${smallest}${Array.from({ length: 15_000 }, (_, at) => `f${at}: 1\n`).join('')}`,
      'and 14980 more',
    ],
    ['far too much', `# ${'x'.repeat(300_000)}\n${smallest}`, 'expected at most 262144 bytes'],
    [
      'two kinds of variant',
      smallest.replace('variants:', `variants:\n  - { ${efi}, kernel: x }`),
      'variants[0]: unknown field "kernel"; expected one of',
    ],
  ])('say what is wrong with %s, and the others are there', async (_, text, fault) => {
    const own = await folderOf({ 'wrong.yaml': text, 'good.yaml': smallest })
    const { recipes, faults } = await loadRecipes([own])
    expect([...recipes.keys()]).toEqual(['good'])
    expect(faults.length).toBeGreaterThan(0)
    for (const { recipe } of faults) expect(recipe).toBe('wrong')
    const lines = faults.map(formatRecipeFault)
    for (const line of lines) expect(line).toMatch(/wrong\.yaml: [^\n]+$/)
    expect(lines.join('\n')).toMatch(new RegExp(fault.includes('|') ? fault : escaped(fault)))
  })

  test('are files', async () => {
    const own = await folderOf({ 'good.yaml': smallest })
    await symlink('/dev/zero', join(own, 'endless.yaml'))
    const { recipes, faults } = await loadRecipes([own])
    expect([...recipes.keys()]).toEqual(['good'])
    expect(faults).toEqual([{ recipe: 'endless', file: join(own, 'endless.yaml'), message: 'expected a file' }])
  })

  test('say what is wrong with a name', async () => {
    const { recipes, faults } = await loadRecipes([await folderOf({ 'My Recipe.yaml': smallest })])
    expect(recipes.size).toBe(0)
    expect(faults).toMatchObject([{ message: expect.stringContaining(`the file's name: expected an image's name`) }])
  })
})

describe('versionIn', () => {
  test('is the newest, by its numbers', () => {
    const text = 'ubuntu-24.04.2-live\nubuntu-24.04.10-live\nubuntu-24.04.9-live\n'
    expect(versionIn(text, 'ubuntu-([\\d.]+)-live$')).toBe('24.04.10')
  })

  test.each([
    ['there is none', 'nothing'],
    ['it would leave its folder', 'v=../../x'],
    ['it would be another URL', 'v=x?y=z'],
  ])('refuses a text where %s', (_, text) => {
    expect(() => versionIn(text, '^v=(.*)$')).toThrow(/version: expected a version where \^v=\(\.\*\)\$ matches/)
  })
})

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
