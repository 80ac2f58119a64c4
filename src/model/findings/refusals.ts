import type { FindingMeaning } from './finding.ts'

/** Refusals: the reasons why a machine gets a script that boots nothing. The screen of the machine shows the code. */
export const refusalFindings = {
  'BW-DENIED': {
    title: 'The machine is denied',
    means: 'An operator denied the machine. It gets no image until it is allowed again.',
    causes: ['The machine is out of service.', 'The machine may be a denied one: it has the UUID or serial of one.'],
    todo: ['Allow the machine: `bootwright machine set MAC --allow`.'],
  },
  'BW-CONFLICT': {
    title: 'Several machines match this one',
    means: 'The MAC, the UUID or the serial of the machine belong to different machines. Bootwright does not guess.',
    causes: ['A network card or a board moved to another computer.', 'A virtual machine was copied with its UUID.'],
    todo: ['Show the machines: `bootwright findings`.', 'Run the command on the screen of the machine.'],
  },
  'BW-IDENTITY': {
    title: 'The identity of the machine is uncertain',
    means: 'Bootwright knows the machine by its UUID or serial only. It serves no installer and no network disk.',
    causes: ['The network card is new.', 'Another computer has the same UUID or serial.'],
    todo: ['Show the reason: `bootwright explain MAC`.', 'Run the command on the screen of the machine.'],
  },
  'BW-EVERY-BOOT': {
    title: 'The image would install at every boot',
    means: 'The assignment names an installer, and does not permit that it installs at every boot.',
    causes: ['The image was assigned. A deployment installs once.'],
    todo: ['Install once: `bootwright deployment arm MAC --image NAME`.'],
  },
  'BW-NO-IMAGE': {
    title: 'The assigned image does not exist',
    means: 'A machine, a group, a menu or the policy names an image that is missing.',
    causes: ['The image was deleted.', 'The name has a typing error.'],
    todo: ['See which rule names the image: `bootwright explain MAC`.', 'List the images: `bootwright image list`.'],
  },
  'BW-NO-VERSION': {
    title: 'The pinned version of the image does not exist',
    means:
      'A machine, a group, a menu, the policy or a deployment pins a version that is missing. No other version boots.',
    causes: ['The version was deleted in the database.', 'The image was deleted and added again.'],
    todo: [
      'See which rule pins the version: `bootwright explain MAC`.',
      'List the versions: `bootwright image versions NAME`.',
    ],
  },
  'BW-MENU': {
    title: 'The menu cannot be shown',
    means: 'The menu does not exist, or has no entry for this machine.',
    causes: ['The menu was deleted.', 'All its images are for other firmware or another architecture.'],
    todo: ['Show the menu: `bootwright menu show NAME`.', 'Show the reasons: `bootwright explain MAC`.'],
  },
  'BW-NO-ANSWER-FILE': {
    title: 'The assigned answer file does not exist',
    means: 'The installer would ask for an answer file that is missing.',
    causes: ['The answer file was deleted.', 'The name has a typing error.'],
    todo: ['List the answer files: `bootwright answer-file list`.'],
  },
  'BW-ANSWER-FILE': {
    title: 'The answer file cannot be filled in',
    means: 'The answer file uses a value that this machine does not have, or has an error.',
    causes: [
      'A parameter, a label or a secret of the machine is not set.',
      'The text of the answer file has an error.',
    ],
    todo: ['Run the command on the screen of the machine.', 'Show the text: `bootwright preview MAC --answers`.'],
  },
  'BW-ARGUMENT': {
    title: 'An argument cannot be written in a script',
    means: 'iPXE would read a value as something else: iPXE has no quoting. Bootwright refuses such values.',
    causes: ['A value has a space or another special character.', 'A parameter or a secret is not set.'],
    todo: ['See where each argument comes from: `bootwright explain MAC`.'],
  },
  'BW-BAD-REQUEST': {
    title: 'The request of the machine is not valid',
    means: 'The script was requested without a MAC, a UUID or a serial, or with an invalid one.',
    causes: ['A script or a DHCP server names a URL below /ipxe instead of /boot.ipxe.'],
    todo: ['Name the URL `http://SERVER:8080/boot.ipxe` in the DHCP server.'],
  },
} as const satisfies Record<string, FindingMeaning>
