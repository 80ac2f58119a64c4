import type { FindingMeaning } from './finding.ts'

/** Problems of the inventory, which `bootwright findings` lists. Machines boot, but not as the operator may expect. */
export const inventoryFindings = {
  'BW-IDENTITY-WEAK': {
    title: 'A new MAC asks with the UUID or serial of a machine',
    means: 'Bootwright identified the machine without its MAC. It serves it no installer and no network disk.',
    causes: ['The network card is new.', 'Another computer has the same UUID or serial.'],
    todo: [
      'If it is the same machine, add the MAC: `bootwright machine set MACHINE --add-mac 52:54:00:12:34:56`.',
      'Otherwise remove the value: `bootwright machine set MACHINE --clear-uuid`.',
    ],
  },
  'BW-IDENTITY-SHARED': {
    title: 'Several machines report the same UUID or serial',
    means: 'The value identifies none of these machines. Bootwright identifies them by their MACs.',
    causes: ['The maker gave all boards the same value.', 'A virtual machine was copied with its UUID.'],
    todo: ['Enter each machine by its MAC: `bootwright machine set MAC`.', 'List the machines: `bootwright findings`.'],
  },
  'BW-IDENTITY-PROBABLE': {
    title: 'Two recorded machines are probably the same',
    means: 'A discovered machine reports the same UUID or serial as an entered one.',
    causes: ['The machine has two network cards and boots from the other card.', 'The network card is new.'],
    todo: ['If they are the same, merge them: `bootwright machine merge MACHINE --from OTHER`.'],
  },
  'BW-REINSTALLS': {
    title: 'The machine installs at every boot',
    means: 'The last two installations of the machine came from its assignment, not from a deployment.',
    causes: ['An installer is assigned, and the assignment permits it at every boot.'],
    todo: ['Install once instead: `bootwright deployment arm MAC --image NAME`.'],
  },
  'BW-ROLLOUT-STOPPED': {
    title: 'A rollout stopped',
    means:
      'No further machine of the rollout begins. Machines that have not begun were taken back, and the others continue.',
    causes: ['More machines failed than its bound permits.', 'The image or the version of the rollout was deleted.'],
    todo: [
      'See the reasons: `bootwright rollout show ID --machines --state failed`.',
      'Correct the cause, then let the failed machines try again: `bootwright rollout retry ID`.',
      'To accept the failures: `bootwright rollout resume ID`. To undo the rollout: `bootwright rollout rollback ID`.',
    ],
  },
  'BW-POWER-FAILED': {
    title: 'The last power request of the machine failed',
    means:
      'The power of the machine did not change as an operator asked. A deployment that waits for its boot stays armed.',
    causes: [
      'The BMC is unreachable, or its address is not in `BOOTWRIGHT_BMC_SUBNETS`.',
      'The user name or the password of the BMC is wrong, or the BMC locked the account.',
      'The certificate of the BMC is not trusted, or it is new.',
      'The URL leads to the BMC of another machine.',
      'The BMC does not offer the action, or a network boot.',
    ],
    todo: [
      'Read the reason: `bootwright machine power show MACHINE`.',
      'Correct the setting, and check it without changing the power: `bootwright machine power state MACHINE`.',
    ],
  },
} as const satisfies Record<string, FindingMeaning>
