import type { FindingMeaning } from './finding.ts'

/** Findings about access to the API and the page. */
export const accessFindings = {
  'BW-ACCESS-TOKEN': {
    title: 'The request has no valid token or session',
    means: 'The API and the page answer only clients that are signed in.',
    causes: [
      'The header Authorization is missing.',
      'The token is unknown, revoked or expired.',
      'The session expired, or was revoked.',
    ],
    todo: [
      'Create a token on the shell of the server: `bootwright token create NAME`.',
      'In a browser, sign in again.',
    ],
  },
  'BW-ACCESS-ROLE': {
    title: 'The role does not permit this action',
    means: 'Viewers read, operators also change machines and images, admins also change policy, people and tokens.',
    causes: ['The token or person has a lower role than the action needs.'],
    todo: ['Use a token with the role that the refusal names, or ask an admin for that role.'],
  },
  'BW-ACCESS-SCOPE': {
    title: 'The token is for some machines only',
    means: 'A token with a scope reads and changes only machines that have the labels of its scope.',
    causes: ['The request concerns all machines, or the configuration that all machines share.'],
    todo: ['Use a token without a scope.'],
  },
  'BW-ACCESS-HOST': {
    title: 'The host name of the request is not a name of this server',
    means: 'A web page elsewhere could make a browser send requests here under a name of its own (DNS rebinding).',
    causes: ['The server has a DNS name that Bootwright does not know.'],
    todo: ['Set `BOOTWRIGHT_ADMIN_URL` to the URL of the page, or add the name to `BOOTWRIGHT_ADMIN_HOSTS`.'],
  },
  'BW-ACCESS-ORIGIN': {
    title: 'The request comes from another web site',
    means: 'A web page elsewhere tried to use the session of a signed-in person (CSRF).',
    causes: [
      'A link or form of another web site leads here.',
      'A proxy in front of Bootwright changes the Host header.',
    ],
    todo: ['Open the page of Bootwright itself, and repeat the action there.'],
  },
} satisfies Record<string, FindingMeaning>
