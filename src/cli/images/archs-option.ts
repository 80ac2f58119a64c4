// The option `--arch` of image commands.
import { InvalidArgumentError, Option } from 'commander'
import { type Arch, archs } from '../../model/arch.ts'

/** The repeatable option `--arch`. */
export function archsOption(): Option {
  return new Option('--arch <arch>', 'architecture (repeatable)').argParser(
    (text: string, before: Arch[] | undefined): Arch[] => {
      const arch = archs.find((name) => name === text)
      if (arch === undefined) throw new InvalidArgumentError(`Expected one of ${archs.join(', ')}.`)
      return [...(before ?? []), arch]
    },
  )
}
