// Request and response schemas of a menu.
import { z } from '@hono/zod-openapi'
import { arch, history, imageName, pageOf, platform, printable } from '../common.ts'
import type { Given } from '../json.ts'
import { checkedArgs, everyBoot, pinnedVersion, thingName, withoutArgs } from './assignment.ts'
import { concerns } from './concerns.ts'

const common = {
  name: thingName.openapi({ description: 'Unique in the menu.', example: 'install' }),
  text: printable(80).openapi({ description: 'The text on the screen.', example: 'Install Debian 12' }),
  hotkey: z
    .string()
    .regex(/^[a-z0-9]$/, 'one letter a-z or digit')
    .optional(),
  archs: z
    .array(arch)
    .min(1)
    .optional()
    .openapi({ description: 'Shown only on machines with one of these architectures.' }),
  platforms: z.array(platform).min(1).optional(),
}
const plain = <Kind extends string>(kind: Kind) => z.strictObject({ kind: z.literal(kind), ...common })

const menuEntry = z
  .discriminatedUnion(
    'kind',
    [
      z
        .strictObject({
          kind: z.literal('image'),
          ...common,
          image: imageName,
          version: pinnedVersion.optional(),
          args: checkedArgs.optional(),
          withoutArgs: withoutArgs.optional(),
          answerFile: thingName.optional(),
          everyBoot: everyBoot.optional().openapi({
            description: 'Required if this is the default entry, it installs, and the menu has a timeout.',
          }),
        })
        .openapi('MenuImage', { description: 'Hidden if the image has no variant for the machine.' }),
      z.strictObject({ kind: z.literal('menu'), ...common, menu: thingName }).openapi('MenuMenu'),
      plain('local').openapi('MenuLocal'),
      plain('shell').openapi('MenuShell', { description: 'The iPXE shell.' }),
      plain('reboot').openapi('MenuReboot'),
    ],
    { error: (issue) => (issue.code === 'invalid_union' ? 'image, menu, local, shell or reboot' : undefined) },
  )
  .openapi('MenuEntry')

const title = printable(80).openapi({ example: 'Choose a system to boot' })
const timeoutSeconds = z.int('a whole number of seconds').min(1).max(86_400)
const timeoutMeaning = { description: 'After this time the default entry starts. If absent, the menu waits.' }
const entries = z.array(menuEntry).min(1, 'at least one entry').max(64, 'at most 64 entries')
const content = {
  title,
  timeoutSeconds: timeoutSeconds.optional().openapi(timeoutMeaning),
  defaultEntry: thingName.optional(),
  entries,
}

export const menuSchema = z
  .object({
    name: thingName,
    ...content,
    ...history,
    notices: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Where the timeout does not apply, and why. Not in lists.' }),
    concerns,
  })
  .openapi('Menu')
export type Menu = Given<typeof menuSchema>

export const menuList = pageOf(menuSchema).openapi('MenuList')

export const menuPut = z
  .strictObject({
    ...content,
    timeoutSeconds: timeoutSeconds.nullish().openapi(timeoutMeaning),
    defaultEntry: thingName.nullish(),
  })
  .openapi('MenuPut')

export const menuPatch = z
  .strictObject({
    title: title.optional(),
    timeoutSeconds: timeoutSeconds.nullish().openapi(timeoutMeaning),
    defaultEntry: thingName.nullish(),
    entries: entries.optional(),
  })
  .openapi('MenuPatch')
