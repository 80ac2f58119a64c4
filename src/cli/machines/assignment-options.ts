// The options of an assignment, and assignments as text.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AssignmentChange } from '../../api/schemas/machines/assignment.ts'
import {
  type Assignment,
  type Json,
  type LocalBoot,
  type Params,
  type ProxyMode,
  proxyModes,
} from '../../model/assignment.ts'
import { formatImageRef, type ImageRef, parseImageRef } from '../../model/image.ts'
import { collect } from '../shell/deps.ts'
import { wholeAssignment } from './clear.ts'

/** The options of a group or a deployment for its assignment. */
export type AssignmentOptions = {
  image?: ImageRef
  menu?: string
  local?: true
  everyBoot?: true
  arg?: string[]
  withoutArg?: string[]
  answerFile?: string
  param?: Params
  localBoot?: LocalBoot
  bootProgram?: string
  proxy?: ProxyMode
}

/** Adds the options for kernel arguments, the answer file and params. */
export function addHowOptions(command: Command): Command {
  return command
    .option(
      '--arg <arg>',
      'kernel argument, appended to those of the image (repeatable; replaces the current ones)',
      collect,
    )
    .option(
      '--without-arg <pattern>',
      'pattern of arguments of the image or of weaker groups to remove: quiet, console=* (repeatable)',
      collect,
    )
    .option('--answer-file <name>', "name of the answer file for the installer ('' removes it)")
    .option('--param <name=value>', 'value for templates, JSON or text (repeatable)', collectParam)
}

/** The option that permits an image to install at every boot of its machine. */
export function everyBootOption(): Option {
  return new Option('--every-boot', 'let the image install at every boot; to install once, use deployment arm')
}

/** The option for the image of an assignment. */
export function imageOption(): Option {
  return new Option('--image <name[@version]>', 'image to boot; with @version, it is pinned to this version').argParser(
    readImageRef,
  )
}

/** Parses `debian-12` or `debian-12@3`. The server checks the name. @throws InvalidArgumentError */
export function readImageRef(text: string): ImageRef {
  const ref = text.includes('@') ? parseImageRef(text) : { image: text }
  if (ref === undefined) throw new InvalidArgumentError('Expected NAME or NAME@VERSION. Example: debian-12@3')
  return ref
}

/** Adds all options of an assignment. */
export function addAssignmentOptions(command: Command): Command {
  addHowOptions(
    command
      .addOption(imageOption())
      .option('--menu <name>', 'menu to show')
      .option('--local', 'boot from the local disk')
      .addOption(everyBootOption()),
  )
  return command
    .option(
      '--local-boot <firmware=method>',
      'method of local boot: pcbios= or efi=, then auto, exit-0, exit-1, sanboot, or for efi a file \\EFI\\…',
      collectLocalBoot,
    )
    .option('--boot-program <name>', "boot program for the firmware: ipxe.efi, snponly.efi … ('' removes it)")
    .addOption(
      new Option(
        '--proxy <mode>',
        'answers of proxyDHCP to UEFI firmware: without option 43, with it, or both',
      ).choices(proxyModes),
    )
}

/**
 * The change of an assignment that the options describe: only the given fields. `image` is false with `--no-image`.
 * Undefined if no such option is given.
 */
export function assignmentChange(options: Omit<AssignmentOptions, 'image'> & { image?: ImageRef | false }) {
  const { image, menu, local, everyBoot, arg, withoutArg, answerFile, param, localBoot, bootProgram, proxy } = options
  const change: AssignmentChange = {
    ...(image === false ? wholeAssignment : image),
    ...(menu !== undefined && { menu }),
    ...(local && { local }),
    ...(everyBoot && { everyBoot }),
    ...(arg && { args: arg }),
    ...(withoutArg && { withoutArgs: withoutArg }),
    ...(answerFile !== undefined && { answerFile: answerFile === '' ? null : answerFile }),
    ...(param && { params: param }),
    ...(localBoot && { localBoot }),
    ...(bootProgram !== undefined && { bootProgram: bootProgram === '' ? null : bootProgram }),
    ...(proxy && { proxy }),
  }
  return Object.keys(change).length > 0 ? change : undefined
}

/** An assignment as text. */
export function formatAssignment(assignment: Assignment = {}): string {
  const {
    image,
    version,
    menu,
    local,
    everyBoot,
    args = [],
    withoutArgs = [],
    answerFile,
    params = {},
    localBoot = {},
    bootProgram,
    proxy,
  } = assignment
  const named = image && formatImageRef({ image, version })
  const what = named ?? (menu === undefined ? (local ? 'local disk' : '') : `menu ${menu}`)
  const how = [
    everyBoot ? 'at every boot' : '',
    args.length > 0 ? `with ${args.join(' ')}` : '',
    withoutArgs.length > 0 ? `without ${withoutArgs.join(' ')}` : '',
    answerFile === undefined ? '' : `answers ${answerFile}`,
    Object.keys(params).length > 0 ? `params ${Object.keys(params).sort().join(' ')}` : '',
    ...Object.entries(localBoot).map(([firmware, method]) =>
      method === undefined ? '' : `${firmware} disk by ${typeof method === 'string' ? method : method.file}`,
    ),
    bootProgram === undefined ? '' : `boot program ${bootProgram}`,
    proxy === undefined ? '' : `proxy ${proxy}`,
  ]
  return [what, ...how].filter(Boolean).join(', ')
}

/** Parses `name=value`. The value is parsed as JSON; if that fails, it is text. @throws InvalidArgumentError */
export function collectParam(text: string, before: Params | undefined): Params {
  const [, name = '', value = ''] = /^([a-z][a-z0-9_]*)=(.*)$/s.exec(text) ?? []
  if (name === '') throw new InvalidArgumentError('Expected NAME=VALUE. Example: root_disk=/dev/sda')
  return { ...before, [name]: jsonOr(value) }
}

/** Parses `efi=exit-0`. @throws InvalidArgumentError */
export function collectLocalBoot(text: string, before: LocalBoot | undefined): LocalBoot {
  const [, firmware = '', method = ''] = /^(pcbios|efi)=(auto|exit-0|exit-1|sanboot|\\.+)$/.exec(text) ?? []
  if (firmware === '') throw new InvalidArgumentError('Expected FIRMWARE=METHOD. Example: efi=exit-1')
  return { ...before, [firmware]: method.startsWith('\\') ? { file: method } : method }
}

function jsonOr(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
