// Request and response schemas of an assignment, and of the selector of a group.

import { z } from '@hono/zod-openapi'
import { type AssignmentField, maxParams, maxParamsBytes } from '../../../inventory/machines/assignment-change.ts'
import { labelPattern, namePattern, variablePattern } from '../../../lib/ids/names.ts'
import { isSubnet } from '../../../lib/subnet.ts'
import { type Json, localMethods, proxyModes } from '../../../model/assignment.ts'
import { expectedNbpName, isNbpName } from '../../../model/firmware/nbp.ts'
import { type Condition, selectorFacts } from '../../../model/selector.ts'
import { argFaults } from '../../../render/args.ts'
import { args, imageName, onlyTrue, printable, version } from '../common.ts'
import type { Given, Sent } from '../json.ts'

/** The name of a group, a menu or an answer file. */
export const thingName = z
  .string()
  .regex(namePattern, 'a name: a-z, 0-9 and . _ -, at most 63 characters')
  .openapi({ example: 'rack-b4' })

/** The name of a param or a secret, which Liquid uses too. */
export const variableName = z
  .string()
  .regex(variablePattern, 'a name: a-z, 0-9 and _, beginning with a letter, up to 63 characters')
  .openapi({ example: 'root_disk' })

export const params = z
  .record(variableName, z.unknown() as unknown as z.ZodType<Json, Json>)
  .refine((all) => Object.keys(all).length <= maxParams, `at most ${maxParams} params`)
  .refine((all) => Buffer.byteLength(JSON.stringify(all)) <= maxParamsBytes, `at most ${maxParamsBytes} bytes of JSON`)
  .refine((all) => depthOf(all) <= 8, 'at most 8 nested levels')
  .refine((all) => !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(all)), 'no NUL and no unpaired surrogate')
  .openapi({ type: 'object', additionalProperties: true, example: { root_disk: '/dev/sda' } })

const efiFile = z
  .strictObject({
    file: z
      .string()
      .regex(/^\\[\x21-\x7e]{1,200}[\x21-\x5b\x5d-\x7e]$/, 'a path on the disk, \\EFI\\debian\\grubx64.efi')
      .refine((path) => !path.includes('${') && !path.includes('/'), 'a path with backslashes and without ${'),
  })
  .openapi('EfiFile', { description: 'An EFI program on the disk.' })
const localMethod = z.enum(localMethods)

// A separate component, because some client generators fail on several schemas beside null.
const efiLocalBoot = z
  .union([localMethod, efiFile], { error: `${localMethods.join(', ')}, or { "file": … }` })
  .openapi('EfiLocalBoot')

const localBoot = z
  .strictObject({
    pcbios: localMethod.optional(),
    efi: efiLocalBoot.optional(),
  })
  .openapi('LocalBoot', {
    description:
      'How the machine boots from its local disk, by firmware. `exit-0` and `exit-1` end iPXE with that status, `sanboot` starts the first BIOS disk, and a file is an EFI program to start. `auto` works on most machines.',
  })

const bootProgram = z.string().refine(isNbpName, expectedNbpName).openapi({
  example: 'ipxe.efi',
  description:
    'The boot program for firmware, instead of the default for its kind. If it is absent or for other firmware, the machine gets the default.',
})

const proxy = z.enum(proxyModes).openapi({
  description:
    'How proxyDHCP answers UEFI firmware. `binl` sends no option 43, so the firmware sends a second request to port 4011. `pxe10` sends option 43, which names the file at once. `both` sends both offers.',
})

/** Kernel arguments whose Liquid is valid. */
export const checkedArgs = args.superRefine((list, context) => {
  if (context.issues.length > 0) return
  for (const [index, arg] of list.entries())
    for (const { expected } of argFaults([arg], 'args'))
      context.addIssue({ code: 'custom', path: [index], message: expected })
})

/** Patterns of kernel arguments. */
export const withoutArgs = z
  .array(
    z
      .string()
      .min(1, 'a pattern')
      .max(1024, 'at most 1024 characters')
      .regex(
        /^[\x21-\x7e]+$/,
        'a pattern: printable ASCII without white space; * matches any characters, ? matches one',
      )
      .openapi({ example: 'console=*' }),
  )
  .max(64, 'at most 64 patterns')
  .openapi({
    description:
      'Removes matching arguments of the image and of weaker groups, after their templates are rendered. `*` matches any characters, `?` matches one.',
  })

/** The field that permits an image to install at every boot of its machine. */
export const everyBoot = onlyTrue.openapi({
  description:
    'Required for an image that is an installer or has an answer file, because it installs at every boot. To install once, arm a deployment instead.',
})

const pin = { description: 'Pins this version of the image. If absent, machines boot the current version.', example: 3 }
/** The pinned version of an image. */
export const pinnedVersion = version.openapi(pin)

export const assignment = z
  .strictObject({
    image: imageName.optional(),
    version: pinnedVersion.optional(),
    menu: thingName.optional(),
    local: z
      .boolean()
      .refine((value): value is true => value, 'true')
      .optional()
      .openapi({ description: 'Boot from the local disk. Only true, or absent.' }),
    everyBoot: everyBoot.optional(),
    args: checkedArgs.optional(),
    withoutArgs: withoutArgs.optional(),
    answerFile: thingName.optional(),
    params: params.optional(),
    localBoot: localBoot.optional(),
    bootProgram: bootProgram.optional(),
    proxy: proxy.optional(),
  } satisfies Record<AssignmentField, z.ZodType>)
  .superRefine(refuseTwoChoices)
  .superRefine((given, context) => {
    if (given.version !== undefined && given.image === undefined)
      context.addIssue({ code: 'custom', path: ['image'], message: 'the image whose version is pinned' })
  })
  .openapi('Assignment', {
    description:
      'The image, menu or local disk to boot, with its args, answer file, params and local boot method, and the boot program for the firmware.',
  })
export type Assignment = Given<typeof assignment>

/** A change of an assignment: as `assignment`, where null clears a field or removes a param or a method. */
export const assignmentChange = z
  .strictObject({
    image: imageName.nullish(),
    version: version.nullish().openapi({ ...pin, description: `${pin.description} A new image clears it.` }),
    menu: thingName.nullish(),
    local: onlyTrue.nullish().openapi({ description: 'Boot from the local disk.' }),
    everyBoot: everyBoot.nullish(),
    args: checkedArgs.nullish().openapi({ description: 'Replaced as a whole.' }),
    withoutArgs: withoutArgs.nullish(),
    answerFile: thingName.nullish(),
    params: params.nullish(),
    localBoot: z
      .strictObject({ pcbios: localBoot.shape.pcbios.nullable(), efi: localBoot.shape.efi.nullable() })
      .nullish(),
    bootProgram: bootProgram.nullish(),
    proxy: proxy.nullish(),
  } satisfies Record<AssignmentField, z.ZodType>)
  .superRefine(refuseTwoChoices)
  .openapi('AssignmentChange', {
    description: 'Changes to an assignment. Setting one of image, menu and local clears the others.',
  })
export type AssignmentChange = Sent<typeof assignmentChange>

const value = printable(253)
const test = {
  equals: value,
  in: z.array(value).min(1, 'at least one value').max(10_000, 'at most 10000 values'),
  prefix: value,
  glob: printable(253).openapi({ description: '`*` matches any characters, `?` matches one.' }),
  cidr: z.string().refine(isSubnet, 'a subnet, 10.0.0.0/8').openapi({ example: '10.1.0.0/16' }),
  exists: z.boolean(),
}

const condition = z
  .strictObject({
    fact: z.enum(selectorFacts).optional(),
    label: z.string().regex(labelPattern, 'the name of a label').optional(),
    ...(Object.fromEntries(Object.entries(test).map(([name, schema]) => [name, schema.optional()])) as {
      [T in keyof typeof test]: z.ZodOptional<(typeof test)[T]>
    }),
  })
  .superRefine((given, context) => {
    const tests = Object.keys(test).filter((name) => given[name as keyof typeof test] !== undefined)
    if ((given.fact === undefined) === (given.label === undefined))
      context.addIssue({ code: 'custom', message: 'either a fact or a label' })
    if (tests.length !== 1)
      context.addIssue({ code: 'custom', message: `exactly one of ${Object.keys(test).join(', ')}` })
    if (given.cidr !== undefined && given.fact !== 'ip')
      context.addIssue({ code: 'custom', message: 'cidr only for the fact ip', path: ['cidr'] })
  })
  .transform((given) => given as Condition)
  .openapi('Condition', {
    type: 'object',
    properties: {
      fact: { type: 'string', enum: [...selectorFacts] },
      label: { type: 'string' },
      equals: { type: 'string' },
      in: { type: 'array', items: { type: 'string' } },
      prefix: { type: 'string' },
      glob: { type: 'string', description: '`*` matches any characters, `?` matches one.' },
      cidr: { type: 'string', description: 'Only for the fact ip.' },
      exists: { type: 'boolean' },
    },
    additionalProperties: false,
    description:
      'A fact or a label, and one test of its value. A MAC address may have any spelling, a UUID either byte order.',
  })

export const selector = z
  .array(condition)
  .max(32, 'at most 32 conditions')
  .openapi({ description: 'All conditions must hold. An empty list matches every machine.' })

function refuseTwoChoices(given: { image?: unknown; menu?: unknown; local?: unknown }, context: z.RefinementCtx): void {
  const choices = [given.image, given.menu, given.local].filter((choice) => choice !== undefined && choice !== null)
  if (choices.length > 1)
    context.addIssue({ code: 'custom', path: ['image'], message: 'only one of image, menu and local' })
}

function depthOf(value: unknown): number {
  return value !== null && typeof value === 'object' ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
}
