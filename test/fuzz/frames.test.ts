/**
 * Hostile frames through the codecs, the gate and presence of a room, in process: most of the cases, since they are quick here. The same
 * against a server process over sockets is `sockets.test.ts`.
 *
 * `SYNCLINE_TEST_FUZZ_FRAMES` is how many, `SYNCLINE_TEST_SEED` which.
 */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { count, testSeed } from '../support/counts.ts'
import { openStage } from '../support/room-stage.ts'
import { attackRoom, type Outcome, roomOf } from './attacked-room.ts'
import { type Batch, frameBatches } from './frame-cases.ts'
import { HonestPerson, honestClients } from './honest-person.ts'

const cases = count('FUZZ_FRAMES', 3_000)
const seed = testSeed()
const casesPerBatch = 40

const batches = (frames = cases) =>
  frameBatches({
    seed,
    count: frames,
    casesPerBatch,
    key: () => 'a document',
    // Where nobody has to say who they are, ids can be forged, and everybody is told so in SECURITY.md.
    forged: batch => (roomOf(batch) === 'vouched' ? honestClients : []),
  })

/** What must not be, whatever came. */
function wrongs({ thrown, faults, honestTexts, expectedText, failed, impostors }: Outcome) {
  const others = honestTexts.filter(text => text !== expectedText)
  return { thrown, faults, others, failed, impostors }
}

const nothing: ReturnType<typeof wrongs> = {
  thrown: [],
  faults: [],
  others: [],
  failed: false,
  impostors: [],
}

describe(`${cases} hostile frames in process, seed ${seed}`, () => {
  test('[ROOM-3] nothing throws, and what honest people write in the attacked rooms reaches them and whoever comes later', async () => {
    let [decoded, passed] = [0, 0]
    const closed = new Map<number, number>()
    let number = 0
    for (const batch of batches()) {
      const outcome = await attackRoom(batch, roomOf(number))
      expect(wrongs(outcome), `batch ${number}, ${roomOf(number)} room`).toEqual(nothing)
      decoded += outcome.decoded
      passed += outcome.passed
      for (const [code, times] of outcome.closed) closed.set(code, (closed.get(code) ?? 0) + times)
      number++
    }
    // Otherwise the frames are too coarse to say anything: they would all end in the codec, or at one rule of the gate.
    expect(decoded).toBeGreaterThan(cases / 3)
    expect(passed).toBeGreaterThan(cases / 6)
    expect([...closed.keys()].sort()).toEqual([4400, 4403, 4409, 4413])
  })

  test('half of them are frames of honest clients with one field changed', () => {
    const some = Math.min(cases, 2_000)
    const kinds = [...batches(some)].flatMap((batch: Batch) => batch.cases.map(({ kind }) => kind))
    const changed = kinds.filter(kind => kind === 'one field changed').length
    expect(kinds).toHaveLength(some)
    expect(changed).toBeGreaterThanOrEqual(some / 2)
    expect(changed).toBeLessThan((some * 2) / 3)
  })

  test('the same seed gives the same frames', () => {
    const [first] = batches()
    const [again] = batches()
    expect(again!.cases).toEqual(first!.cases)
  })
})

test('an honest person of these tests notices an update that makes Yjs throw', async () => {
  const { room } = await openStage()
  const person = new HonestPerson(room, { name: 'ada', client: 7_001, isVouched: false })
  person.enter()
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'a text')
  const update = Y.encodeStateAsUpdate(doc)
  // Past the room: the gate refuses it.
  person.member.send(person.member.encode({ kind: 'update', update: update.subarray(0, update.length - 3) }))
  expect(person.faults).toHaveLength(1)
  person.leave()
})
