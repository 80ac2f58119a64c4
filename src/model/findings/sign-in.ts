import type { FindingMeaning } from './finding.ts'

/** Refused sign-ins of people. The page and the log show the code. */
export const signInFindings = {
  'BW-SIGN-IN': {
    title: 'The name or the password is wrong',
    means: 'The person is not signed in. The answer is the same for a name that does not exist.',
    causes: ['The name or the password has a typing error.', 'The person signs in with OpenID Connect only.'],
    todo: ['Try again.', 'If the password is lost, make a one-time link: `bootwright person reset NAME`.'],
  },
  'BW-SIGN-IN-LOCKED': {
    title: 'Too many sign-ins with this name failed',
    means:
      'After 10 failed sign-ins in a row, a name is locked for 15 minutes. Signed-in browsers continue. An address that has signed the person in before is still accepted.',
    causes: ['Somebody tries passwords.', 'A browser has stored an old password.'],
    todo: [
      'Wait 15 minutes, or run on the server: `bootwright person reset NAME`.',
      'If it repeats, find the addresses in the log: lines with the code BW-SIGN-IN.',
    ],
  },
  'BW-SIGN-IN-RATE': {
    title: 'Too many sign-ins from this address',
    means: 'An address has 20 attempts, and gets 10 more each minute. The server also verifies few passwords at once.',
    causes: ['A program tries passwords.', 'A proxy in front of Bootwright gives many people the same address.'],
    todo: ['Wait a minute, and try again.'],
  },
  'BW-SIGN-IN-DISABLED': {
    title: 'The person is disabled',
    means: 'The password or the provider identified the person, but an admin has disabled the person.',
    causes: ['An admin disabled the person.'],
    todo: ['Enable the person: `bootwright person set NAME --enable`.'],
  },
  'BW-SIGN-IN-LINK': {
    title: 'The one-time link is not valid',
    means: 'A link works once, for 7 days. A newer link of the same person replaces it.',
    causes: ['The link was used.', 'The link has expired.', 'A newer link was made.'],
    todo: [
      'Make a new link: `bootwright person reset NAME`.',
      'If no person exists yet, restart the server: it prints a new link.',
    ],
  },
  'BW-OIDC-AWAY': {
    title: 'The OpenID provider does not answer',
    means: 'Nobody can sign in with OpenID Connect. The sign-in with a password still works.',
    causes: [
      'The provider is down, or this server cannot reach it.',
      'BOOTWRIGHT_OIDC_ISSUER is not exactly the issuer of the provider.',
    ],
    todo: [
      'Open `ISSUER/.well-known/openid-configuration` from the server, with curl.',
      'Read the error in the log: a line with the code BW-OIDC-AWAY.',
    ],
  },
  'BW-OIDC-ANSWER': {
    title: 'The answer of the OpenID provider is not valid',
    means: 'Bootwright cannot verify that the answer belongs to this sign-in, so it signs nobody in.',
    causes: [
      'The sign-in took longer than 10 minutes, or its page was loaded twice.',
      'The browser accepts no cookies.',
      'BOOTWRIGHT_OIDC_CLIENT_ID or BOOTWRIGHT_OIDC_CLIENT_SECRET is wrong.',
      'The clock of the server is wrong.',
    ],
    todo: ['Sign in again.', 'Read the error in the log: a line with the code BW-OIDC-ANSWER.'],
  },
  'BW-OIDC-GROUP': {
    title: 'The person is in no group with a role',
    means: 'The provider identified the person, but none of the groups has a role here.',
    causes: [
      'The person is in none of the groups in BOOTWRIGHT_OIDC_ROLES.',
      'The provider does not send the groups: it needs a scope or a mapper.',
    ],
    todo: [
      'Add the person to a group in BOOTWRIGHT_OIDC_ROLES at the provider.',
      'If the log says that no groups came, configure the claim of groups at the provider.',
    ],
  },
} as const satisfies Record<string, FindingMeaning>

export type SignInCode = keyof typeof signInFindings
