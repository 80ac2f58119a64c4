// Power: how machines are switched on and off, and what each kind can do.

/** What an operator can do with the power of a machine. `state` only reads. */
export const powerActions = ['on', 'off', 'cycle', 'state'] as const
export type PowerAction = (typeof powerActions)[number]

/** How armed machines are powered: switched on, or restarted. */
export const armedPowers = ['on', 'cycle'] as const
export type ArmedPower = (typeof armedPowers)[number]

export const powerKinds = ['wake-on-lan', 'redfish'] as const
export type PowerKind = (typeof powerKinds)[number]

/** The actions of each kind, and whether it can make the next boot a network boot. */
export const powerCan: Record<PowerKind, { actions: readonly PowerAction[]; bootsFromNetwork: boolean }> = {
  // A magic packet has no answer, and wakes only.
  'wake-on-lan': { actions: ['on'], bootsFromNetwork: false },
  redfish: { actions: powerActions, bootsFromNetwork: true },
}

/**
 * How the certificate of a BMC is verified. `true`: by the authorities that the system trusts. `false`: not at all. A text: by its SHA-256
 * fingerprint, 64 hexadecimal digits in lower case.
 */
export type VerifyTls = boolean | string

/** How a machine is powered, without the password. */
export type PowerSetting =
  | { kind: 'wake-on-lan' }
  | {
      kind: 'redfish'
      /** `https://host[:port]`, without a path. */
      url: string
      /** The id or path of the computer system. Absent: the BMC must have exactly one. */
      system?: string | undefined
      username: string
      verifyTls: VerifyTls
      /** Whether the UUID or serial that the BMC reports must be that of the machine. */
      checkIdentity: boolean
    }

/** `waiting`: a server has not begun yet. */
export const powerStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type PowerState = (typeof powerStates)[number]

/** The power of a machine, as its BMC reports it. */
export const reportedPowers = ['on', 'off', 'changing'] as const
export type ReportedPower = (typeof reportedPowers)[number]

/** What to do with the power of a machine. */
export type PowerOrder = {
  action: PowerAction
  /** With `on` and `cycle`: the next boot is a network boot, once. */
  network: boolean
  /** With `off`: switch off without asking the operating system. */
  force: boolean
}

/** Minutes after which a request that still waits fails: the operator no longer expects the machine to change. */
export const maxPowerWaitMinutes = 60

/** Why a kind cannot do an order, in words; undefined if it can. */
export function whyCannot(kind: PowerKind, { action, network }: PowerOrder): string | undefined {
  const can = powerCan[kind]
  if (!can.actions.includes(action)) return `${kind} can only do: ${can.actions.join(', ')}`
  if (network && !can.bootsFromNetwork)
    return `${kind} cannot choose the boot device. Set network boot first in the boot order of the machine`
  return undefined
}
