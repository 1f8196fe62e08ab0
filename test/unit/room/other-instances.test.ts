/** Rooms of the same document on several instances: one log, and a relay that may lose, delay and reorder. */
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import { decodeVector } from '@syncline/shared/update/vector'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { count, Random, testSeed } from '../../support/counts.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { shareInstances, sit, textOf } from '../../support/room-instances.ts'
import type { TestMember } from '../../support/room-member.ts'
import { documentName, type RoomStage, say } from '../../support/room-stage.ts'

/** What a client with its own document would show after all that this member was sent. */
function shown(member: TestMember, doc = new Y.Doc()): string {
  for (const update of member.documentFrames()) Y.applyUpdate(doc, update)
  return doc.getText('text').toString()
}

async function writeUntilCompacted(
  { write }: { write(text: string): void },
  stage: RoomStage,
  log: UpdateLog,
): Promise<{ generation: number | null }> {
  for (let i = 0; i < 3; i++) {
    write('x'.repeat(40_000))
    await turn()
  }
  await turnsUntil('a base', () => stage.eventsNamed('compacted').length > 0 && !stage.room.isBusy)
  expect(await textOf(log)).toHaveLength(120_000)
  return log.position(documentName)
}

test('[REL-1] what is written on one instance is shown on the other, both ways', async () => {
  const { open } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await sit(left, 1), await sit(right, 2)]
  ada.write('ada ')
  await turnsUntil('ben to see it', () => ben.hear() === 'ada ')
  ben.write('ben')
  await turnsUntil('ada to see it', () => ada.hear() === 'ada ben')
  expect(left.room.end).toEqual(right.room.end)
})

test('[REL-1] two newcomers who open a new document at the same moment on both sides write one document', async () => {
  const { open, memory } = shareInstances()
  const [left, right] = await Promise.all([open(), open()])
  const [ada, ben] = [await sit(left, 1), await sit(right, 2)]
  ada.write('ada')
  ben.write('ben')
  await turnsUntil('both to see both', () => ada.hear().length === 6 && ada.hear() === ben.hear())
  expect(await textOf(memory)).toBe(ada.hear())
})

test('[REL-1] lost publications are found within two seconds, also when nobody types any more', async () => {
  const { open, shared, clock } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await sit(left, 1), await sit(right, 2)]
  shared.lose()
  for (const letter of 'nobody hears this') {
    ada.write(letter)
    await turn()
  }
  expect(ben.hear()).toBe('')
  clock.advance(1_500)
  right.room.sweep()
  await turnsUntil('ben to see it', () => ben.hear() === 'nobody hears this')
})

test('[REL-1] publications that arrive late and backwards are shown once each', async () => {
  const { open, shared } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await sit(left, 1), await sit(right, 2)]
  shared.hold()
  for (const letter of 'backwards') {
    ada.write(letter)
    await turn()
  }
  ben.member.news()
  shared.release()
  await turn()
  expect(ben.member.documentFrames()).toHaveLength(9)
  expect(ben.hear()).toBe('backwards')
  expect(right.room.end.seq).toBe(9)
})

test('[SYNC-1] a newcomer on an instance that has heard nothing gets all that was saved on the other before they asked', async () => {
  const { open, shared } = shareInstances()
  const [left, right] = [await open(), await open()]
  shared.lose()
  const ada = await sit(left, 1)
  ada.write('saved elsewhere')
  await turnsUntil('it to be saved', () => left.room.end.seq === 1)
  const late = await right.join('late')
  expect(late.kinds().at(-1)).toBe('sync-step-1')
  expect(shown(late)).toBe('saved elsewhere')
})

test('[LOG-2] a publication is never ahead of the log', async () => {
  const { open } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await sit(left, 1), await sit(right, 2)]
  left.log.hold()
  ada.write('not saved')
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(ben.hear()).toBe('')
  left.log.release()
  await turnsUntil('ben to see it', () => ben.hear() === 'not saved')
})

test('a base that one instance put under the log is taken by the other, whose joiners get it', async () => {
  const { open, memory } = shareInstances()
  const [left, right] = [await open(), await open()]
  const ada = await sit(left, 1)
  const { generation } = await writeUntilCompacted(ada, left, memory)
  await turnsUntil('the other to have it', () => right.room.end.seq === left.room.end.seq)
  const read: number[] = []
  right.log.onReadPiece = from => void read.push(from)
  expect(shown(await right.join('late'))).toBe('x'.repeat(120_000))
  expect(read).toEqual([generation])
})

test('[SLOW-1] who falls behind at an edit of another instance gets what was being saved here, too', async () => {
  const { open } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben, eve] = [await sit(left, 1), await sit(left, 2), await sit(right, 3)]
  left.log.hold()
  // More than is sent whole of a chunk to somebody who has part of it.
  ada.write('h'.repeat(5_000))
  ben.member.waitingBytes = 2 * 1024 * 1024
  eve.write('there')
  await turnsUntil('it to come over', () => left.eventsNamed('memberLagged').length === 1)
  left.log.release()
  await turnsUntil('the other to be saved', () => !left.room.isBusy)
  ben.member.take()
  await turnsUntil('ben to have both', () => ben.hear().length === 5_000 + 'there'.length)
})

test('[REL-2] a log that lost everything gets it back from the rooms and from their members', async () => {
  const { open, shared, clock, memory } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await sit(left, 1), await sit(right, 2)]
  ada.write('from ada ')
  await turnsUntil('ben to see it', () => ben.hear() === 'from ada ')
  ben.write('and from ben')
  await turnsUntil('ada to see it', () => ada.hear() === 'from ada and from ben')
  const { epoch } = await memory.load(documentName)
  const empty = createMemoryLog({ clock })
  shared.exchange(empty)
  clock.advance(1_500)
  left.room.sweep()
  right.room.sweep()
  for (let turns = 0; turns < 50; turns++) {
    await turn()
    ada.hear()
    ben.hear()
  }
  expect(await textOf(empty)).toBe('from ada and from ben')
  expect((await empty.load(documentName)).epoch).toBe(epoch)
  expect([ada.member.closed, ben.member.closed]).toEqual([null, null])
})

test('[REL-2] what only a member still holds is asked for, and appended', async () => {
  const { open, shared, clock, memory } = shareInstances()
  const stage = await open()
  const ada = await sit(stage, 1)
  // All that the room holds is in the base by then.
  await writeUntilCompacted(ada, stage, memory)
  const empty = createMemoryLog({ clock })
  shared.exchange(empty)
  clock.advance(1_500)
  stage.room.sweep()
  await turnsUntil('the room to ask', () => ada.member.kinds().includes('sync-step-1'))
  ada.hear()
  await turnsUntil('it to be committed', () => !stage.room.isBusy)
  expect(await textOf(empty)).toHaveLength(120_000)
  expect(ada.member.closed).toBeNull()
})

test('[REL-2] a commit that finds a rewritten history is made in the new one, and everything before it as well', async () => {
  const { open, shared, clock, memory } = shareInstances()
  const stage = await open()
  const ada = await sit(stage, 1)
  ada.write('before ')
  await turnsUntil('it to be saved', () => stage.room.end.seq === 1)
  const { epoch } = await memory.load(documentName)
  // A history that has overtaken: somebody else's entries stand where ours were.
  const rewritten = createMemoryLog({ clock })
  const other = new Y.Doc()
  other.getText('text').insert(0, 'other ')
  const history = { epoch, link: '0000000000000000' }
  const entry = {
    kind: 'update' as const,
    timeMs: 1,
    authors: [],
    instance: 'other',
    nonce: '00000000000000aa',
  }
  for (const update of [Y.encodeStateAsUpdate(other), Y.encodeStateAsUpdate(new Y.Doc())])
    await rewritten.append(documentName, 0, [{ ...entry, update }], history)
  shared.exchange(rewritten)
  ada.write('after')
  await turnsUntil('it to be saved', () => stage.eventsNamed('mended').length > 0 && !stage.room.isBusy)
  await turnsUntil('ada to see the other', () => ada.hear().includes('other '))
  const text = await textOf(rewritten)
  expect(text).toContain('other ')
  expect(text).toContain('before after')
  expect(ada.hear()).toBe(text)
  expect((await rewritten.load(documentName)).epoch).toBe(epoch)
})

test('[LOG-3] a document that another instance has replaced is another one: everybody comes back to that', async () => {
  const { open, clock, memory } = shareInstances()
  const stage = await open()
  const ada = await sit(stage, 1)
  ada.write('what was')
  await turnsUntil('it to be saved', () => stage.room.end.seq === 1)
  const { through: _, ...content } = {
    through: 1,
    pieces: [Y.encodeStateAsUpdate(new Y.Doc())],
    byteVector: Uint8Array.of(0),
    documentVector: Uint8Array.of(0),
    catchUp: Uint8Array.of(0, 0),
  }
  await memory.replaceDocument(documentName, null, {
    ...content,
    lacks: { structs: new Map(), deletes: new Map() },
  })
  clock.advance(1_500)
  stage.room.sweep()
  await turnsUntil('ada to be sent away', () => ada.member.closed !== null)
  expect(ada.member.closed!.code.code).toBe(1012)
  expect(stage.failed()).toBe(true)
})

test('[REL-2] while the store is away, edits are shown and not acknowledged, by setting', async () => {
  const { open, clock } = shareInstances()
  const stage = await open({ limits: { showUnsavedAfterMs: 2_000 } })
  const [ada, ben] = [await sit(stage, 1), await sit(stage, 2)]
  stage.log.hold()
  ada.write('one ')
  await turn()
  stage.room.receive(ada.member, say.saved(1))
  clock.advance(1_999)
  expect(ben.hear()).toBe('')
  clock.advance(1)
  expect(ben.hear()).toBe('one ')
  for (const letter of 'two') ada.write(letter)
  clock.advance(100)
  await turn()
  expect(ben.hear()).toBe('one two')
  expect(ada.member.kinds()).not.toContain('saved')
  clock.advance(60_000)
  expect([ada.member.closed, ben.member.closed]).toEqual([null, null])
  stage.log.release()
  await turnsUntil('it to be acknowledged', () => ada.member.kinds().includes('saved'))
  await turnsUntil('all of it to be saved', () => !stage.room.isBusy)
  expect(await textOf(stage.log)).toBe('one two')
})

test('the vector of a room that followed others is what a reference document has', async () => {
  const { open } = shareInstances()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await sit(left, 1), await sit(right, 2)]
  for (let i = 0; i < 20; i++) {
    ada.write('a')
    ben.write('b')
    await turn()
  }
  await turnsUntil('both to see both', () => ada.hear().length === 40 && ben.hear().length === 40)
  const late = await right.join('late')
  const asked = late.sent.find(message => message.kind === 'sync-step-1')!
  const decoded = decodeVector((asked as { vector: Uint8Array }).vector)
  expect(decoded).toMatchObject({
    ok: true,
    vector: new Map([
      [1, 20],
      [2, 20],
    ]),
  })
})

const documents = count('INSTANCES', 40)
/** Every room looks at the log in each second one; three looks are enough to find anything. */
const settlingRounds = 12

test(`[REL-1] [REL-2] ${documents} documents written on three instances are everywhere the same, whatever log and relay do, seed ${testSeed()}`, async () => {
  const random = new Random(testSeed())
  for (let document = 0; document < documents; document++) {
    const { open, shared, clock } = shareInstances()
    const limits = { showUnsavedAfterMs: 2_000 }
    const rooms = [await open({ limits }), await open({ limits }), await open({ limits })]
    const people = await Promise.all(
      Array.from({ length: 5 }, (_, i) => sit(rooms[i % rooms.length]!, i + 1)),
    )
    const events = [
      () => shared.lose(),
      () => shared.hold(),
      () => shared.release(),
      () => random.pick(rooms).log.hold(),
      () => random.pick(rooms).log.release(),
      () => shared.exchange(createMemoryLog({ clock })),
      () => clock.advance(random.below(3_000)),
      () => random.pick(rooms).room.sweep(),
    ]
    for (let step = 0; step < 60; step++) {
      const someone = random.pick(people)
      const text = someone.doc.getText('text')
      if (random.below(5) === 0 && text.length > 0) text.delete(random.below(text.length), 1)
      else if (random.below(2) === 0) text.insert(random.below(text.length + 1), random.text(3))
      else someone.hear()
      if (random.below(6) === 0) random.pick(events)()
      if (random.below(2) === 0) await turn()
    }
    const texts = () => new Set(people.map(({ hear }) => hear()))
    shared.release()
    for (const { log } of rooms) log.release()
    for (let round = 0; round < settlingRounds; round++) {
      clock.advance(500)
      for (const { room } of rooms) room.sweep()
      for (let turns = 0; turns < 10; turns++) await turn()
      texts()
    }
    expect(texts().size, `document ${document}`).toBe(1)
    expect(await textOf(rooms[0]!.log)).toBe([...texts()][0])
    expect(people.map(({ member }) => member.closed)).toEqual(people.map(() => null))
  }
})
