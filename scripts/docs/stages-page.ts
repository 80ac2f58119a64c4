import { stallLimits } from '../../src/inventory/boots/stalls.ts'
import { outcomeMeanings, type Stage, stageMeanings } from '../../src/model/boot.ts'
import { deploymentStateMeanings } from '../../src/model/deployment.ts'
import { rolloutMachineStateMeanings, rolloutStateMeanings } from '../../src/model/rollout/rollout.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

/** The stages and outcomes of boots, and the states of deployments and rollouts. */
export function stagesPage(): string {
  const stages = Object.entries(stageMeanings) as [Stage, string][]
  return formatPage([
    heading(1, 'Stages and outcomes'),
    generatedFrom('src/model'),
    heading(2, 'Stages of a boot'),
    paragraph(text('A boot is stalled if it stays at a stage for longer than its limit.')),
    table(
      ['stage', 'meaning', 'limit'],
      stages.map(([stage, meaning]) => [code(stage), text(meaning), text(formatLimit(stallLimits[stage]?.seconds))]),
    ),
    heading(2, 'Outcomes of a boot'),
    meaningsTable('outcome', outcomeMeanings),
    heading(2, 'States of a deployment'),
    meaningsTable('state', deploymentStateMeanings),
    heading(2, 'States of a rollout'),
    meaningsTable('state', rolloutStateMeanings),
    heading(2, 'States of a machine in a rollout'),
    meaningsTable('state', rolloutMachineStateMeanings),
    heading(2, 'Likely causes of a stalled boot'),
    paragraph(code('bootwright boots show ID'), text(' names the cause for one boot.')),
    table(
      ['stage', 'likely causes'],
      stages.flatMap(([stage]) => {
        const { causes, causesWhileReporting } = stallLimits[stage] ?? {}
        const rows = [causes, causesWhileReporting].filter((cause) => cause !== undefined)
        return rows.map((cause) => [code(stage), text(cause)])
      }),
    ),
  ])
}

function meaningsTable(name: string, meanings: Record<string, string>) {
  return table(
    [name, 'meaning'],
    Object.entries(meanings).map(([value, meaning]) => [code(value), text(meaning)]),
  )
}

function formatLimit(seconds: number | undefined): string {
  if (seconds === undefined) return 'none'
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds / 60} min`
}
