/**
 * Phrases that this project does not use, and what to write instead. A phrase is the source of a regular expression,
 * matched as whole words in any case.
 */
export const words: [phrase: string, instead: string][] = [
  // The industry's word.
  ['Bootwright serves\\.', 'Bootwright is running.'],
  ['cuts? (?:it |them |one )?off|cutting off', 'disconnect, interrupted'],
  ['brok(?:en|e)[ -]off|breaks? off|breaking off', 'interrupted, aborted'],
  ['(?:hash|hashes|hashed) (?:\\w+ ){0,6}again', 'verify again, re-verified'],
  ['(?:goes|go|going|went) on(?! (?:the|to|a)\\b)', 'continue, resume'],
  ['(?:ask|asks|asked|asking) (?:\\w+ ){0,3}again', 'retry, try again'],
  ['(?:is|are|was|were) (?:tried|run|fetched|started|sent) (?:once )?again', 'is retried, restarted'],
  ['(?:the )?logs? of changes', 'audit log'],
  ['(?:the )?own disk', 'local disk'],
  ['mend(?:s|ed|ing)?', 'fix, update; security updates'],
  ['been at its end of life', 'reached end of life'],
  ['ceas(?:e|es|ed) to', 'stop, end'],
  ['(?:clear|clears|cleared|clearing) (?:\\w+ ){0,2}away', 'delete, remove (garbage collection)'],
  ['makes? room', 'evict'],
  ['the care of|taking care|takes care', 'maintenance'],
  ['hears? back|(?:was|is|were|are) (?:never |not )?heard', 'receive a report'],
  ['(?:lay|lays|laid|laying) claim', 'conflict, claim'],
  ['take[ns]? (?:the machine )?for', 'identified as'],
  ['what won|what lost', 'which rule decided, why the others did not'],
  ['(?:brings?|brought|bringing)', 'import, fetch, contain'],
  ['(?:forget|forgets|forgot|forgotten|forgetting)', 'delete, expire'],
  ['in force', 'current, active'],
  ['gives? way', 'is evicted, yields its slot'],
  ['(?:keep|keeps|kept|hold|holds) (?:its|their|a) place', 'hold a slot'],
  ['opens? (?:nothing|no \\w+)', 'is revoked, has expired'],
  ['(?:the )?inventory does not answer', 'the Bootwright database is unreachable'],
  ['set denied to', 'to allow it: bootwright machine set MAC --allow'],
  ['what to do:', 'Next step:'],
  ['at fault', 'name the wrong setting: wrong key, missing bucket'],
  ['the start (?:lists|ends|deletes|says|checks|asks|refuses)', 'at startup Bootwright …'],
  ['(?:comes?|came|coming) to an end', 'end'],
  ['(?:ask|asks|asked) (?:it )?rightly', 'correctly'],
  ['imports? waits?', 'import loop failed, retrying in N s'],

  // Words that hide who does what.
  ['(?:by|of) (?:itself|themselves)', 'automatically; name what does it'],
  [
    'what (?:it|they|he|a \\w+|the \\w+) (?:says?|said|reports?|reported) of (?:itself|themselves|it)',
    'the facts it reports',
  ],
  ['(?:is|are|was|were|be|been) (?:not |never )?told', 'see, get the message; name what shows it'],
  ['so (?:many|much|long|few|often|far as|late)', 'give the number, or a noun phrase: "days to keep …"'],
  [
    'as (?:many|much|long|fast|far|often) (?:\\w+ )?as (?:it|they|he) (?:may|can|goes|go)',
    'too many …; as many as the limit allows',
  ],
  ['any more', 'no longer'],
  ['for ever', 'forever'],
  [
    '(?:that|which|what|whose \\w+|:) nobody|nobody (?:there|mends|entered|holds|names|knows|decided|else \\w+)',
    'name what is missing: unknown, unused, unreachable',
  ],
  ['who(?:m|so)?ever', 'anyone who'],
  ['of (?:one|those|all|them) that (?:is|are) (?:done|over|ended)', 'when it is done'],
  ['it is \\w+=\\w+', 'Expected KEY=VALUE.'],
  ['of all when none', 'all, if none is given'],
  ['until when', 'when … ends'],
  ['what an? \\w+ is called', "the …'s name"],
  ['(?<!there )(?:is|are|was|were) no (?!longer|more|other|different|doubt|need|one\\b)(?:\\w+)', 'is not a …'],
  ['(?:is|are|be|was|were) (?:it )?none(?! of)', 'is not one; does not exist'],
  ['(?:is|was|be) said', 'name who says it'],
  ['as it should|what it should be|as it ought', 'correct, valid; corrupted when it is not'],
  ['ought', 'should, must'],
  ['shall', 'must, will'],
  ['till', 'until'],
  ['many a', 'many'],
  ['if (?:it|they) may', 'if … is allowed to'],
  ['its own it (?:can|may)', 'subject first: "it can … its own"'],
  ['to (?:them|it|him) only if|of late', 'recently'],
  ['hence|thereby|whereby|wherein|thereof|therein|whence|lest', 'use a plain connection: "because", "so"'],
  ['let go', 'release'],
  ['the (?:page|one|version) before', 'the previous …'],
  ['(?:stands?|stood) (?:in|on|at|there|between|before|after)', 'is in, is written in'],
]

/** The verbs that operations and commands begin with. */
export const verbs =
  'activate add allow answer apply approve archive arm assign boot cancel change check compare convert copy count create delete \
deny disable discard download enable end explain export fetch find follow get import install list make manage \
merge move pause permit preview print promote put receive record redeliver register remove rename render replace \
report reset restore resume retry revoke roll rotate run search send set show start stop stream switch test update \
upload use verify watch write'
