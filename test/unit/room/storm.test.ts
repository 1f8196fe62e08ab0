/**
 * Many who want the same at the same moment: it is read, cut and framed once for all of them.
 */
import { buildBase } from '@syncline/server/internal/compaction/new-base'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, load } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { TestMember } from '../../support/room-member.ts'
import { openStage, say, workersInProcess } from '../../support/room-stage.ts'

const members = 50

/** A document with a base in several pieces and two sealed chunks, and what was asked for since it stood so. */
async function openAfterRestart() {
  const asked = { pieces: 0, differences: 0, encoded: 0, answers: 0 }
  const workers: typeof workersInProcess = {
    ...workersInProcess,
    buildBase: async input => buildBase(input, 8_000),
    difference(piece, vector) {
      asked.differences++
      return workersInProcess.difference(piece, vector)
    },
  }
  const stage = await openStage({ workers })
  const { doc } = author(7)
  const writer = await stage.join('writer')
  doc.on('update', update => stage.room.receive(writer, say.update(update)))
  doc.getText('text').insert(0, 'a line of text\n'.repeat(5_000))
  const young = Y.encodeStateVector(doc)
  await turnsUntil('the compaction', () => stage.eventsNamed('compacted').length === 1)
  stage.log.onReadPiece = () => {
    asked.pieces++
  }
  const enter = (id: string, vector: Uint8Array) => {
    const member = new TestMember(id)
    const encode = member.encode.bind(member)
    member.encode = message => {
      if (message.kind === 'update') asked.encoded++
      if (message.kind === 'sync-step-2') asked.answers++
      return encode(message)
    }
    stage.room.enter(member)
    stage.room.receive(member, { kind: 'sync-step-1', vector })
    return member
  }
  const everybody = async (vector: Uint8Array) => {
    const all = Array.from({ length: members }, (_, i) => enter(`member ${i}`, vector))
    await turnsUntil('everybody to have joined', () =>
      all.every(member => member.kinds().includes('sync-step-1')),
    )
    return all
  }
  return { ...stage, doc, writer, asked, young, everybody }
}

test('[ROOM-1] the pieces of a base are read once and framed once for all who join', async () => {
  const { everybody, asked, log, doc } = await openAfterRestart()
  const pieces = log.bases.at(-1)!.pieces.length
  const all = await everybody(Uint8Array.of(0))
  expect(pieces).toBeGreaterThan(5)
  expect(asked).toMatchObject({ pieces, encoded: pieces, differences: 0 })
  for (const member of all) {
    expect(load(member.documentFrames()).getText('text').toString()).toBe(doc.getText('text').toString())
  }
})

test('[ROOM-1] what was written since the base is framed once for all who join before the next window', async () => {
  const { everybody, asked, doc } = await openAfterRestart()
  for (const [storms, line] of ['written since the base', 'and since the first storm'].entries()) {
    doc.getText('text').insert(0, line)
    await turn()
    const all = await everybody(Uint8Array.of(0))
    expect(asked.answers).toBe(storms + 1)
    for (const member of all) {
      expect(load(member.documentFrames()).getText('text').toString()).toBe(doc.getText('text').toString())
    }
  }
})

test('[SYNC-2] clients of the same age are cut one difference', async () => {
  const { everybody, asked, log } = await openAfterRestart()
  const pieces = log.bases.at(-1)!.pieces.length
  const half = Y.encodeStateVector(halfOf(log.bases.at(-1)!.pieces))
  await everybody(half)
  expect(asked.differences).toBe(pieces)
  expect(asked.encoded).toBeLessThan(pieces)
})

test('[ROOM-2] a window is framed once, however many are there to see it', async () => {
  const { everybody, asked, doc } = await openAfterRestart()
  const all = await everybody(Uint8Array.of(0))
  const before = asked.encoded
  for (const member of all) member.news()
  doc.getText('text').insert(0, 'seen by all')
  await turnsUntil('everybody to see it', () => all.every(member => member.sent.length > 0))
  // The writer, who entered first, was asked to encode it; nobody else was.
  expect(asked.encoded - before).toBe(0)
  expect(all.map(member => member.sent.length)).toEqual(all.map(() => 1))
})

test('[SYNC-2] whoever has the base is sent none of it', async () => {
  const { everybody, asked, young } = await openAfterRestart()
  await everybody(young)
  expect(asked).toMatchObject({ pieces: 0, differences: 0 })
})

/** A document that got the first half of the pieces, as a client whose line broke. */
function halfOf(pieces: readonly Uint8Array[]): Y.Doc {
  return load([...pieces.slice(0, Math.floor(pieces.length / 2))])
}
