import { type Command, Option } from 'commander'
import { archs, platforms } from '../arch.ts'
import { type CliDeps, clientOf, collect, print } from './deps.ts'
import { formatFit, formatTime } from './format.ts'
import { type AddOptions, filesOf, type Image, kindOf, variantWith, withVariant } from './image-variant.ts'
import { type Place, parsePlace } from './source.ts'
import { formatFields, formatTable } from './table.ts'
import { storeFile } from './upload.ts'

/** `bootwright image`. */
export function addImageCommand(program: Command, deps: CliDeps): void {
  const image = program.command('image').description('images: what machines can boot')

  image
    .command('add')
    .description('add or replace one variant of an image, for one arch and platform; its other variants stay')
    .argument('<name>', 'of the image: a-z 0-9 . _ -')
    .option('--kernel <path|url>', 'Linux kernel; #sha256=HEX after it is checked', parsePlace)
    .option('--initrd <path|url>', 'initrd for the kernel (repeat for more), likewise', collectPlaces)
    .option('--arg <arg>', 'kernel argument (repeat for more)', collect)
    .option('--efi <path|url>', 'EFI program to boot, instead of a kernel', parsePlace)
    .option('--ipxe <path|url>', 'iPXE script to run, instead of a kernel', parsePlace)
    .option('--local', 'boot from the disk of the machine, instead of a kernel')
    .addOption(new Option('--arch <arch>', 'for machines of this arch').choices(archs).default('x86_64'))
    .addOption(new Option('--platform <platform>', 'for firmware of this kind only').choices(platforms))
    .option('--title <title>', 'name of the image for people')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const fault = faultIn(options)
      if (fault !== undefined) command.error(`error: ${fault}`)
      const client = clientOf(command, deps)
      const path = pathOf(name)
      // Before any long download: is there a server, and does it take the token?
      const before = await client.find<Image>(path)
      const variant = await variantWith(options, (place, role) => storeFile(client, deps, place, role))
      const current = await client.find<Image>(path)
      const body = {
        ...(options.title !== undefined && { title: options.title }),
        variants: withVariant(current?.variants ?? [], variant),
      }
      const saved = await client.ask<Image>('PUT', path, body)
      const same = saved.version === before?.version ? ', as before' : ''
      print(
        command,
        deps,
        saved,
        () => `${saved.name} version ${saved.version}${same}: ${saved.variants.map(formatFit).join(', ')}`,
      )
      deps.err(`boot it: bootwright machine set MAC --image ${name}\n`)
    })

  image
    .command('list')
    .description('list images')
    .action(async (_options, command: Command) => {
      const items = await clientOf(command, deps).list<Image>('/images')
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'VERSION', 'VARIANTS', 'TITLE', 'CHANGED'],
          items.map((one) => [
            one.name,
            String(one.version),
            one.variants.map(formatFit).join(', '),
            one.title,
            formatTime(one.updatedAt),
          ]),
        ),
      )
    })

  image
    .command('show')
    .description('show an image with its files and arguments')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Image>('GET', pathOf(name)), formatImage)
    })

  image
    .command('delete')
    .description('delete an image that no machine is assigned and the policy does not name')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', pathOf(name))
      deps.err(`image ${name} is deleted\n`)
    })
}

function collectPlaces(text: string, before: Place[] | undefined): Place[] {
  return [...(before ?? []), parsePlace(text)]
}

function pathOf(name: string): string {
  return `/images/${encodeURIComponent(name)}`
}

function faultIn(options: AddOptions): string | undefined {
  const { kernel, efi, ipxe, local, initrd, arg } = options
  const given = [kernel, efi, ipxe, local].filter((one) => one !== undefined)
  if (given.length !== 1) return 'one of --kernel, --efi, --ipxe and --local is needed, and only one'
  if (initrd !== undefined && kernel === undefined) return '--initrd is for --kernel'
  if (arg !== undefined && kernel === undefined && efi === undefined) return '--arg is for --kernel and --efi'
  return undefined
}

function formatImage({ name, title, version, variants, createdAt, updatedAt }: Image): string {
  const fields = formatFields({
    image: name,
    title,
    version: String(version),
    created: formatTime(createdAt),
    changed: formatTime(updatedAt),
  })
  const parts = variants.map((variant) => {
    const files = filesOf(variant).map(({ role, file }) => `\n  ${role.padEnd(6)}  ${file.sha256}  ${file.name}`)
    const args = variant.args?.length ? `\n  args    ${variant.args.join(' ')}` : ''
    return `\n\n${formatFit(variant)}: ${kindOf(variant)}${files.join('')}${args}`
  })
  return `${fields}${parts.join('')}`
}
