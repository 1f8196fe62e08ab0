/** Rooms of the same document on several instances: one log, and a relay that may lose, delay and reorder. */
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import { decodeVector } from '@syncline/shared/update/vector'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { readAll } from '../../contract/log-content.ts'
import { TestClock, turn, turnsUntil } from '../../support/room-clock.ts'
import type { TestMember } from '../../support/room-member.ts'
import { type SharedLog, shareLog } from '../../support/room-relay.ts'
import { documentName, openStage, type RoomStage, type StageOptions, say } from '../../support/room-stage.ts'

interface World {
  readonly clock: TestClock
  readonly memory: UpdateLog
  readonly shared: SharedLog
  open(options?: StageOptions): Promise<RoomStage>
}

function world(): World {
  const clock = new TestClock()
  const memory = createMemoryLog({ clock })
  const shared = shareLog(clock, memory)
  let instances = 0
  return {
    clock,
    memory,
    shared,
    open: options =>
      openStage({ clock, instance: `instance ${++instances}`, ...shared.instance(), ...options }),
  }
}

/** What a client with its own document would show after all that this member was sent. */
function shown(member: TestMember, doc = new Y.Doc()): string {
  for (const update of member.documentFrames()) Y.applyUpdate(doc, update)
  return doc.getText('text').toString()
}

/** A person at a room: what they write, and what they are shown. */
async function person(stage: RoomStage, client: number) {
  const doc = new Y.Doc()
  doc.clientID = client
  const member = await stage.join(`person ${client}`)
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === null) stage.room.receive(member, say.update(update))
  })
  const hear = () => {
    for (const message of member.news()) {
      if ('update' in message) Y.applyUpdate(doc, message.update, 'room')
      if (message.kind === 'sync-step-1')
        stage.room.receive(member, {
          kind: 'sync-step-2',
          update: Y.encodeStateAsUpdate(doc, message.vector),
        })
    }
    return doc.getText('text').toString()
  }
  hear()
  return {
    doc,
    member,
    hear,
    write: (text: string) => doc.getText('text').insert(doc.getText('text').length, text),
  }
}

async function stored(log: UpdateLog): Promise<string> {
  const doc = new Y.Doc()
  const { base } = await log.load(documentName)
  for (let piece = 0; piece < (base?.pieces ?? 0); piece++)
    Y.applyUpdate(doc, (await log.readPiece(documentName, base!.generation, piece)) as Uint8Array)
  for (const { update } of await readAll(log, documentName)) Y.applyUpdate(doc, update)
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
  expect(await stored(log)).toHaveLength(120_000)
  return log.position(documentName)
}

test('[REL-1] what is written on one instance is shown on the other, both ways', async () => {
  const { open } = world()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await person(left, 1), await person(right, 2)]
  ada.write('ada ')
  await turnsUntil('ben to see it', () => ben.hear() === 'ada ')
  ben.write('ben')
  await turnsUntil('ada to see it', () => ada.hear() === 'ada ben')
  expect(left.room.end).toEqual(right.room.end)
})

test('[REL-1] two newcomers who open a new document at the same moment on both sides write one document', async () => {
  const { open, memory } = world()
  const [left, right] = await Promise.all([open(), open()])
  const [ada, ben] = [await person(left, 1), await person(right, 2)]
  ada.write('ada')
  ben.write('ben')
  await turnsUntil('both to see both', () => ada.hear().length === 6 && ada.hear() === ben.hear())
  expect(await stored(memory)).toBe(ada.hear())
})

test('[REL-1] lost publications are found within two seconds, also when nobody types any more', async () => {
  const { open, shared, clock } = world()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await person(left, 1), await person(right, 2)]
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
  const { open, shared } = world()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await person(left, 1), await person(right, 2)]
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
  const { open, shared } = world()
  const [left, right] = [await open(), await open()]
  shared.lose()
  const ada = await person(left, 1)
  ada.write('saved elsewhere')
  await turnsUntil('it to be saved', () => left.room.end.seq === 1)
  const late = await right.join('late')
  expect(late.kinds().at(-1)).toBe('sync-step-1')
  expect(shown(late)).toBe('saved elsewhere')
})

test('[LOG-2] a publication is never ahead of the log', async () => {
  const { open } = world()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await person(left, 1), await person(right, 2)]
  left.log.hold()
  ada.write('not saved')
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(ben.hear()).toBe('')
  left.log.release()
  await turnsUntil('ben to see it', () => ben.hear() === 'not saved')
})

test('a base that one instance put under the log is taken by the other, whose joiners get it', async () => {
  const { open, memory } = world()
  const [left, right] = [await open(), await open()]
  const ada = await person(left, 1)
  const { generation } = await writeUntilCompacted(ada, left, memory)
  await turnsUntil('the other to have it', () => right.room.end.seq === left.room.end.seq)
  const read: number[] = []
  right.log.onReadPiece = from => void read.push(from)
  expect(shown(await right.join('late'))).toBe('x'.repeat(120_000))
  expect(read).toEqual([generation])
})

test('[REL-2] a log that lost everything gets it back from the rooms and from their members', async () => {
  const { open, shared, clock, memory } = world()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await person(left, 1), await person(right, 2)]
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
  expect(await stored(empty)).toBe('from ada and from ben')
  expect((await empty.load(documentName)).epoch).toBe(epoch)
  expect([ada.member.closed, ben.member.closed]).toEqual([null, null])
})

test('[REL-2] what only a member still holds is asked for, and appended', async () => {
  const { open, shared, clock, memory } = world()
  const stage = await open()
  const ada = await person(stage, 1)
  // All that the room holds is in the base by then.
  await writeUntilCompacted(ada, stage, memory)
  const empty = createMemoryLog({ clock })
  shared.exchange(empty)
  clock.advance(1_500)
  stage.room.sweep()
  await turnsUntil('the room to ask', () => ada.member.kinds().includes('sync-step-1'))
  ada.hear()
  await turnsUntil('it to be committed', () => !stage.room.isBusy)
  expect(await stored(empty)).toHaveLength(120_000)
  expect(ada.member.closed).toBeNull()
})

test('[REL-2] a commit that finds a rewritten history is made in the new one, and everything before it as well', async () => {
  const { open, shared, clock, memory } = world()
  const stage = await open()
  const ada = await person(stage, 1)
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
  const text = await stored(rewritten)
  expect(text).toContain('other ')
  expect(text).toContain('before after')
  expect(ada.hear()).toBe(text)
  expect((await rewritten.load(documentName)).epoch).toBe(epoch)
})

test('[LOG-3] a document that another instance has replaced is another one: everybody comes back to that', async () => {
  const { open, clock, memory } = world()
  const stage = await open()
  const ada = await person(stage, 1)
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
  const { open, clock } = world()
  const stage = await open({ limits: { showUnsavedAfterMs: 2_000 } })
  const [ada, ben] = [await person(stage, 1), await person(stage, 2)]
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
  expect(await stored(stage.log)).toBe('one two')
})

test('the vector of a room that followed others is what a reference document has', async () => {
  const { open } = world()
  const [left, right] = [await open(), await open()]
  const [ada, ben] = [await person(left, 1), await person(right, 2)]
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
