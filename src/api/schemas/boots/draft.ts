// Request and response schemas of previews of changes that are not saved.
import { z } from '@hono/zod-openapi'
import { imageName, machineKey, uuidv7 } from '../common.ts'
import { answerDocument, answerFilePut } from '../images/answer-file.ts'
import type { Given } from '../json.ts'
import { thingName } from '../machines/assignment.ts'
import { groupPut } from '../machines/group.ts'
import { menuPut } from '../machines/menu.ts'
import { decisionSchema } from './decision.ts'
import { previewQuery } from './preview.ts'

const { arch, platform, baseUrl } = previewQuery.shape
const machine = machineKey.optional().openapi({ description: 'The machine that scripts and texts are rendered for.' })
const about = { machine, arch, platform, baseUrl }

const counted = (description: string) =>
  z
    .object({
      count: z.int(),
      machines: z
        .array(z.object({ id: uuidv7, name: z.string() }))
        .openapi({ description: 'The first 20 of them, by creation.' }),
    })
    .openapi({ description })

const bootSummary = z
  .object({
    boots: z.string().openapi({ example: 'image debian-12 version 3' }),
    bootProgram: z.string().optional(),
    decision: decisionSchema,
  })
  .openapi('BootSummary', { description: 'The boot of a machine, in words and as a decision.' })

const bootPreview = bootSummary.extend({ script: z.string() }).openapi('BootPreview')

export const groupDraft = z
  .strictObject({
    group: groupPut.nullable().openapi({ description: 'null previews the deletion of the group.' }),
    ...about,
  })
  .openapi('GroupDraft')

export const groupPreview = z
  .object({
    checked: z.int().openapi({ description: 'The number of machines that were compared with the selector.' }),
    more: z.boolean().openapi({ description: 'There are machines that were not compared.' }),
    added: counted('Machines that match only after the change.'),
    removed: counted('Machines that match only before the change.'),
    unchanged: counted('Machines that match before and after the change.'),
    changes: z
      .object({
        evaluated: z.int().openapi({ description: 'The number of machines whose boot was decided both ways.' }),
        more: z.boolean().openapi({ description: 'Further machines match, but their boot was not decided.' }),
        count: z.int(),
        machines: z
          .array(z.object({ id: uuidv7, name: z.string(), before: bootSummary, after: bootSummary }))
          .openapi({ description: 'The first 20 of them, by creation.' }),
      })
      .openapi({ description: 'The machines that boot something else, or in another way, after the change.' }),
    machine: z
      .object({ before: bootPreview, after: bootPreview })
      .optional()
      .openapi({ description: 'Present if the request names a machine.' }),
    notices: z.array(z.string()).openapi({ description: 'Warnings that saving the group would give.' }),
  })
  .openapi('GroupPreview')
export type GroupPreview = Given<typeof groupPreview>

export const menuDraft = z.strictObject({ menu: menuPut, ...about }).openapi('MenuDraft')

export const menuPreview = z
  .object({
    screen: z
      .object({
        title: z.string(),
        note: z.string().optional().openapi({ description: 'Why the menu waits for a person despite its timeout.' }),
        timeoutSeconds: z.int().optional(),
        items: z.array(
          z.object({
            name: z.string(),
            text: z.string(),
            key: z.string().optional(),
            isDefault: z.boolean().openapi({ description: 'The entry that is selected first.' }),
          }),
        ),
      })
      .optional()
      .openapi({ description: 'The menu as iPXE draws it. Absent if the machine would be refused.' }),
    hidden: z
      .array(z.object({ name: z.string(), why: z.string() }))
      .openapi({ description: 'The entries that this machine does not show.' }),
    script: z.string(),
    refusal: z.string().optional().openapi({ description: 'Why the machine would show no menu, and the next step.' }),
    notices: z.array(z.string()).openapi({ description: 'Warnings that saving the menu would give.' }),
  })
  .openapi('MenuPreview')
export type MenuPreview = Given<typeof menuPreview>

export const answerDraft = z
  .strictObject({
    documents: answerFilePut.shape.documents,
    image: imageName.optional().openapi({
      description: 'The image to install. If absent, the image that the machine boots now.',
    }),
    ...about,
  })
  .openapi('AnswerDraft')

export const answerPreview = z
  .object({
    items: z
      .array(answerDocument)
      .openapi({ description: 'The rendered documents. Asterisks replace the secrets. Empty if there are faults.' }),
    faults: z.array(
      z.object({
        document: z.string(),
        message: z.string(),
        missing: z.string().optional().openapi({ description: 'The name without a value.', example: 'params.disk' }),
        line: z.int().optional().openapi({ description: 'Counts from 1.' }),
        column: z.int().optional().openapi({ description: 'Counts from 1.' }),
      }),
    ),
    image: imageName.optional().openapi({ description: 'The image that the documents are rendered for.' }),
    refusal: z.string().optional().openapi({ description: 'Why no installer would read them, and the next step.' }),
  })
  .openapi('AnswerPreview')
export type AnswerPreview = Given<typeof answerPreview>

export const draftParams = z.object({ name: thingName })
