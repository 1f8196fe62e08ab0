/**
 * What happens in a random document: steps that fast-check makes and shrinks. Any list of steps means something.
 */
import fc from 'fast-check'
import * as Y from 'yjs'
import type { SimulatedClient } from './room-client.ts'
import { applyEdit, type Edit, type EditName, editNames } from './room-edits.ts'
import { say } from './room-stage.ts'
import type { World } from './room-world.ts'

const happenings = [
  'arrive',
  'arrive-all',
  'commit',
  'commit-all',
  'read',
  'read-all',
  'settle',
  'rivalry',
  'break-off',
  'come-back',
  'ask-saved',
  'resync',
  'lose-next',
  'reload',
  'courier',
  'courier',
  'compact',
  'begin-compaction',
  'end-compaction',
  'remember',
  'restart',
] as const

type Happening = (typeof happenings)[number]

export interface Step extends Edit {
  readonly act: EditName | Happening
  readonly who: number
}

export interface Script {
  readonly clients: number
  readonly hasBase: boolean
  /** At the end the document is compacted before anybody has come back and told what Yjs deleted while integrating. */
  readonly compactsFirst: boolean
  readonly steps: readonly Step[]
}

const texts = fc.oneof(
  fc.constantFrom('a', ' ', '\n', 'é', '€', '😀', '👩‍🚀', 'word ', 'über 😀 all'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
)

const stepArbitrary = fc.record<Step>({
  act: fc.oneof(
    { weight: 400, arbitrary: fc.constantFrom(...editNames.filter(name => name !== 'book')) },
    { weight: 400, arbitrary: fc.constantFrom(...happenings) },
    // In one of twenty documents: it goes through the worker, and takes as long as twenty others.
    { weight: 1, arbitrary: fc.constant('book' as const) },
  ),
  who: fc.nat(3),
  place: fc.nat(1_000),
  size: fc.integer({ min: 1, max: 6 }),
  text: texts,
})

export const scriptArbitrary = fc.record<Script>({
  clients: fc.integer({ min: 2, max: 4 }),
  hasBase: fc.boolean(),
  compactsFirst: fc.boolean(),
  steps: fc.array(stepArbitrary, { minLength: 1, maxLength: 90, size: 'max' }),
})

/** So small that documents of a few edits have several pieces, but not as many as a book would have of these. */
export function pieceBytesFor({ steps }: Script): number {
  return steps.some(({ act }) => act === 'book') ? 60_000 : 400
}

/** What a client had at some moment, as a browser keeps it: it comes back with that. */
export type Remembered = Uint8Array[]

export async function runStep(world: World, step: Step, remembered: Remembered): Promise<void> {
  const client = world.clients[step.who % world.clients.length]!
  if (isEdit(step.act)) applyEdit(step.act, client.editor, step)
  else await happen[step.act]({ world, client, step, remembered })
  world.check()
}

function isEdit(act: Step['act']): act is EditName {
  return (editNames as readonly string[]).includes(act)
}

interface Moment {
  readonly world: World
  readonly client: SimulatedClient
  readonly step: Step
  readonly remembered: Remembered
}

const happen: Record<Happening, (moment: Moment) => void | Promise<void>> = {
  arrive({ client, step }) {
    for (let i = 0; i < step.size; i++) client.arrive()
  },
  'arrive-all'({ client }) {
    while (client.arrive());
  },
  commit: ({ world }) => world.commitOne(),
  async 'commit-all'({ world }) {
    while (world.log.held > 0) await world.commitOne()
  },
  read({ client, step }) {
    for (let i = 0; i < step.size; i++) client.read()
  },
  'read-all'({ client }) {
    while (client.read());
  },
  settle: ({ world }) => world.settle(),
  /** All set the same key, before they hear of each other: Yjs deletes all but one while it integrates. */
  rivalry({ world, step }) {
    for (const { editor } of world.clients) applyEdit('set', editor, step)
  },
  'break-off'({ client, step }) {
    for (let i = 0; i < step.size - 1; i++) client.arrive()
    for (let i = 0; i < step.place % 3; i++) client.read()
    client.disconnect()
  },
  'come-back'({ client }) {
    client.connect()
  },
  'ask-saved'({ world, client }) {
    world.askSaved(client)
  },
  /** A client with a resync interval asks again and again. */
  resync({ client }) {
    client.say({ kind: 'sync-step-1', vector: Y.encodeStateVector(client.doc) })
  },
  'lose-next'({ client }) {
    client.losesNext = true
  },
  /** A page that had some of what was ever written, with holes, and is somebody new. */
  reload({ world, client, step }) {
    const doc = world.newDoc()
    for (const update of subset(world.ledger.written, step.place)) Y.applyUpdate(doc, update)
    client.replaceDoc(doc)
    client.connect()
  },
  /** Somebody passes on what others wrote: early, late, twice, overlapping, out of order. */
  courier({ world, client, step: { place, size } }) {
    const some = subset(world.ledger.written, place)
    if (some.length === 0) return
    if (size === 1) client.passOn(some.at(-1)!)
    else if (size === 2) for (const update of some.toReversed()) client.passOn(update)
    else if (size === 3) client.passOn(Y.mergeUpdates(some))
    else if (size === 4) client.say(say.syncStep2(Y.mergeUpdates(some.toReversed())))
    else client.passOn(Y.encodeStateAsUpdate(world.clients[place % world.clients.length]!.doc))
  },
  compact: ({ world }) => world.rest({ hold: false }),
  'begin-compaction': ({ world }) => world.rest({ hold: true }),
  'end-compaction': ({ world }) => world.letBuild(),
  remember({ client, remembered }) {
    remembered.push(Y.encodeStateAsUpdate(client.doc))
  },
  restart: ({ world, step }) => world.restart({ keepHeld: step.size - 1, afterSwap: step.place % 2 === 0 }),
}

/** Some of a list, in order, chosen by a number: never all of a long one. */
export function subset<T>(list: readonly T[], choice: number): T[] {
  const kept = 1 + (choice % 5)
  return list.filter((_, index) => (index * 7 + choice) % 5 < kept && (index + choice) % 11 !== 0)
}
