// Findings: the problems that Bootwright can name, each with a stable code.

/** A finding of the table: its words for people. Commands are in backticks. */
export type FindingMeaning = {
  /** A short sentence without a full stop: `No DHCP server answered`. */
  title: string
  /** The consequence for machines, in one or two sentences. */
  means: string
  /** Likely causes, the likeliest first. */
  causes: string[]
  /** Next steps, in order. */
  todo: string[]
  /** The message on the machine's screen, by firmware. */
  firmware?: FirmwareMessages
}

/** What firmware prints in this case. BIOS and UEFI use the same PXE numbers for different faults. */
export type FirmwareMessages = { bios?: string; uefi?: string; httpBoot?: string; ipxe?: string }

/** How a check ended. `unknown`: the check could not see enough to decide. */
export const findingStates = ['ok', 'warning', 'error', 'unknown'] as const
export type FindingState = (typeof findingStates)[number]
