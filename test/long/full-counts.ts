/**
 * The numbers of the long run. Each is the environment variable `SYNCLINE_TEST_<name>`; the small number of `npm test` stands where
 * a test asks for it (`count('KILLS', 5)`). `test/architecture/long-run.test.ts` compares both lists.
 */
export interface FullCount {
  readonly name: string
  readonly full: number
  readonly what: string
}

export const fullCounts: readonly FullCount[] = [
  { name: 'KILLS', full: 25, what: 'kills of the server under writers' },
  { name: 'HOCUSPOCUS_KILLS', full: 50, what: 'kills of the server when a provider says that all is saved' },
  { name: 'REDIS_KILLS', full: 10, what: 'kills of Redis under writers at two instances' },
  { name: 'RELAY_SECONDS', full: 30, what: 'seconds of typing over a relay that loses what it carries' },
  { name: 'DOCUMENTS', full: 1_000, what: 'random documents of the property tests' },
  { name: 'MUTATIONS', full: 10_000, what: 'mutated updates' },
  { name: 'FLOOD_ROUNDS', full: 8, what: 'rounds of each flood, with quiet in between' },
  { name: 'FUZZ_FRAMES', full: 100_000, what: 'hostile frames through codecs and rooms in process' },
  { name: 'FUZZ_SOCKETS', full: 6_000, what: 'hostile frames at each of two servers over sockets' },
  { name: 'FUZZ_REQUESTS', full: 5_000, what: 'hostile HTTP requests at each of two servers' },
  { name: 'FUZZ_TOKENS', full: 10_000, what: 'hostile tokens for each of two kinds of key' },
  { name: 'FUZZ_TOKEN_SOCKETS', full: 3_000, what: 'hostile tokens at a server over sockets' },
  { name: 'FUZZ_REWRITINGS', full: 50_000, what: 'hostile updates in pieces and under other client ids' },
  { name: 'ENTRIES', full: 10_000, what: 'random log entries, to bytes and back' },
  { name: 'FOLLOWINGS', full: 1_000, what: 'logs that a room follows while others append' },
  { name: 'INSTANCES', full: 500, what: 'documents that are written on several instances' },
  { name: 'PRESENCE_WALKS', full: 10_000, what: 'random walks of people over instances' },
  { name: 'PRESENCE_CROWDS', full: 5_000, what: 'crowds that forge presence' },
  { name: 'LOG_CASES', full: 300, what: 'random sequences of calls to each store, against a model' },
  { name: 'STORE_FLIPS', full: 500, what: 'flipped bits in the file of a store' },
  {
    name: 'CUT_ROUNDS',
    full: 40,
    what: 'rounds of random cuts under random edits, for each pair of clients',
  },
  { name: 'CUT_OFFSETS', full: 400, what: 'cuts inside a frame at seeded offsets' },
  { name: 'HOCUSPOCUS_FRAMES', full: 100_000, what: 'random frames of the Hocuspocus framing' },
]

/** What a full run is: these kinds of tests, with these numbers. */
export const longProjects: readonly string[] = ['unit', 'contract', 'fault', 'fuzz', 'compat']
