// `bootwright explain-code`.
import { type Command, Option } from 'commander'
import { quote } from '../../lib/errors.ts'
import { type Explanation, type Firmware, firmwares } from '../../model/codes/code.ts'
import { explainCode } from '../../model/codes/explain.ts'
import { renderHelpText } from '../../render/help.ts'
import { type CliDeps, print } from '../shell/deps.ts'

/** `bootwright explain-code`. It needs no server. */
export function addExplainCodeCommand(program: Command, deps: CliDeps): void {
  program
    .command('explain-code')
    .description('explain an error code of firmware, iPXE or Bootwright, or the codes in a line of a console')
    .argument('<text...>', 'a code (PXE-E53, 2d0c613b, BW-…), a URL of ipxe.org, or a line of a console')
    .addOption(new Option('--firmware <firmware>', 'firmware of the machine (default: both)').choices(firmwares))
    .action((words: string[], { firmware }: { firmware?: Firmware }, command: Command) => {
      const text = words.join(' ')
      const items = explainCode(text, firmware)
      if (items.length === 0)
        throw new Error(`Expected a code, got ${quote(text)}. Examples: PXE-E53, 2d0c613b, http://ipxe.org/2d0c613b`)
      print(command, deps, { items }, () => formatExplanations(items))
    })
}

function formatExplanations(items: Explanation[]): string {
  const kinds = new Set(items.flatMap(({ source, firmware }) => (source.startsWith('pxe-') ? [firmware] : [])))
  const note = kinds.size > 1 ? '\n\nBIOS and UEFI differ. Add --firmware bios or --firmware uefi for one of them.' : ''
  return renderHelpText(items).trimEnd() + note
}
