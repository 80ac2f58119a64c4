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
  'BW-ARCHIVED-BOOTS': {
    title: 'An archived machine boots',
    means:
      'A machine asked for a script with the MAC of an archived machine. It is an unknown machine: nothing is installed on it.',
    causes: ['The machine is still in use.', 'Its network card is in another machine now.'],
    todo: [
      'To use the machine again, restore it: `bootwright machine restore ID`.',
      'If it is another machine, enter it: `bootwright machine set MAC`.',
    ],
  },
  'BW-EXPECTED-OTHER': {
    title: 'A machine arrived that differs from the expected one',
    means: 'The machine reports another product or serial than the one that is entered for it.',
    causes: ['The supplier delivered another model.', 'The MAC or serial in the inventory is wrong.'],
    todo: [
      'Look at the machine: `bootwright machine show MACHINE`.',
      'If the machine is right, correct the entry, in the inventory that names it or here: `bootwright machine set MACHINE --product NAME`.',
    ],
  },
  'BW-EXPECTED-MISSING': {
    title: 'An expected machine did not arrive in time',
    means: 'The day in `expectedBy` has passed, and the machine never asked for a script.',
    causes: ['The machine was not delivered or not connected.', 'Its MAC or serial was entered wrongly.'],
    todo: [
      'Look for it among the discovered machines: `bootwright machine list --discovered`.',
      'To wait longer: `bootwright machine set MACHINE --expected-by 2027-03-31`.',
    ],
  },
  'BW-UNEXPECTED': {
    title: 'Machines arrived that no inventory names',
    means: 'Inventories synchronize their machines, but no inventory and no operator entered these machines.',
    causes: ['The machine is missing in the inventory.', 'Its MAC was entered wrongly there.'],
    todo: [
      'List them: `bootwright machine list --discovered`.',
      'Add them to the inventory, or enter them: `bootwright machine set MAC`.',
    ],
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
