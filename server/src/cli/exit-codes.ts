/**
 * With what a command ends, for scripts. `--help` and `docs/commands.md` are printed from it.
 */
export const exitCodes = {
  done: { code: 0, sentence: 'Done; a server: stopped when it was told to.' },
  failed: { code: 1, sentence: 'Not done, with the reason on stderr.' },
  found: { code: 2, sentence: '`verify` has looked, and found something that is not as it should be.' },
} as const
