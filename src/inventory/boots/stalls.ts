// The time limits of stages, and the likely causes of a stall.

import type { Stage } from '../../model/boot.ts'
import type { FindingCode } from '../../model/findings/table.ts'

/** The time that a boot may stay at a stage before it is stalled, and the likely causes in one sentence. */
type StallLimit = {
  seconds: number
  causes: string
  /** The causes if the machine reported within `reportedWithinSeconds`: it runs, and does not continue. */
  causesWhileReporting?: string
  /** The finding with the next steps, if one fits. */
  code?: FindingCode
}

/** An installer that names its steps does so more often than this. */
export const reportedWithinSeconds = 5 * 60

const minute = 60
const hour = 3600

/** From docs/explain/boot.md: the causes that keep machines from continuing, by their last stage. */
export const stallLimits: { [S in Stage]?: StallLimit } = {
  script: {
    seconds: 3 * minute,
    causes:
      'iPXE has its script but requested no file: the machine cannot reach BOOTWRIGHT_BASE_URL, or it was switched off',
    code: 'BW-BASE-URL',
  },
  kernel: {
    seconds: 10 * minute,
    causes:
      'the initrd was not loaded: the download is stuck (some network cards stall on big files), or iPXE ran out of memory',
  },
  initrd: {
    seconds: 5 * minute,
    causes:
      'iPXE has the files but did not start them: they need more memory than the machine has, or Secure Boot refuses the kernel',
  },
  file: {
    seconds: 5 * minute,
    causes: 'iPXE has the file but did not start it: Secure Boot refuses the file, or the file is for other firmware',
  },
  ready: {
    seconds: 20 * minute,
    causes:
      'no report since the kernel started: no root file system, no driver for the network card, a panic, or output on another console',
  },
  'answer-file': {
    seconds: 2 * hour,
    causes:
      'no report since the installer got its answer file: it waits for input, finds no disk or mirror, or the file has no report command',
  },
  installing: {
    seconds: 4 * hour,
    causes:
      'the installer did not finish: it shows an error on its screen, its mirror is slow or unreachable, or the last command does not report',
  },
  progress: {
    seconds: 20 * minute,
    causes:
      'the installer stopped reporting its steps: it crashed, the machine lost its network, or it was switched off',
    causesWhileReporting:
      'the installer reports the same step: it waits for input that the answer file does not give, or the step takes very long',
  },
}
