// The time limits of stages, and the likely causes of a stall.

import type { Stage } from '../../model/boot.ts'

/** The time that a boot may stay at a stage before it is stalled, and the likely causes in one sentence. */
type StallLimit = {
  seconds: number
  causes: string
  /** The causes if the machine reported within `heardWithinSeconds`: it runs, and does not continue. */
  causesWhileHeard?: string
}

/** An installer that names its steps does so more often than this. */
export const heardWithinSeconds = 5 * 60

const minute = 60
const hour = 3600

/** From docs/explain/boot.md: the causes that keep machines from continuing, by their last stage. */
export const stallLimits: { [S in Stage]?: StallLimit } = {
  script: {
    seconds: 3 * minute,
    causes:
      'iPXE has its script and asked for no file: the machine cannot reach the address in it (see BOOTWRIGHT_BASE_URL), or it was switched off',
  },
  kernel: {
    seconds: 10 * minute,
    causes:
      'the kernel is there and the initrd is not: the download is stuck (some network cards stall on big files), or iPXE ran out of memory',
  },
  initrd: {
    seconds: 5 * minute,
    causes:
      'the files are there and iPXE did not say that it starts them: they need more memory than the machine has, or Secure Boot refuses the kernel',
  },
  file: {
    seconds: 5 * minute,
    causes:
      'the file is there and iPXE did not say that it starts it: Secure Boot refuses it, or it is for other firmware',
  },
  ready: {
    seconds: 20 * minute,
    causes:
      'the kernel was started and nothing was heard since: it found no root file system or no driver for the network card, panicked, or writes to another console',
  },
  'answer-file': {
    seconds: 2 * hour,
    causes:
      'the installer has its answers and reported nothing since: it waits for an answer that they do not give, finds no disk or no mirror, or they hold no command that reports',
  },
  installing: {
    seconds: 4 * hour,
    causes:
      'the installer began and never ended: it shows an error on its screen, its mirror is slow or away, or the last command does not report',
  },
  progress: {
    seconds: 20 * minute,
    causes:
      'the installer reported its steps and stopped: it crashed, the machine lost its network, or it was switched off',
    causesWhileHeard:
      'the installer still reports but is at the same step: it waits for an answer on its console that the answer file does not give, or this step takes very long',
  },
}
