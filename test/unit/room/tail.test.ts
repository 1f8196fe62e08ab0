import { asSyncStep2, type Chunk, Tail, type Window } from '@syncline/server/internal/room/tail'
import { emptyUpdate } from '@syncline/shared/update/cut'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { hex, load, textOf, typed } from '../../support/room-author.ts'
import { contentOf } from '../../support/room-content.ts'

const windowOf = (seq: number, update: Uint8Array, { structs, deletes } = contentOf(update)): Window => ({
  seq,
  update,
  structs,
  deletes,
})

function tailOf(updates: readonly Uint8Array[]): { tail: Tail; failures: unknown[] } {
  const failures: unknown[] = []
  const tail = new Tail(0, error => failures.push(error))
  for (const [index, update] of updates.entries()) tail.add(windowOf(index + 1, update))
  return { tail, failures }
}

function chunksOf({ first }: Tail): Chunk[] {
  const chunks: Chunk[] = []
  for (let chunk: Chunk | null = first; chunk !== null; chunk = chunk.next) chunks.push(chunk)
  return chunks
}

describe('a chunk', () => {
  test('is sealed at 64 windows, as one update that holds them all', () => {
    const updates = typed(7, ...Array.from({ length: 130 }, (_, i) => `${i} `))
    const { tail } = tailOf(updates)
    const chunks = chunksOf(tail)
    expect(chunks.map(({ windows, sealed, lastSeq }) => ({ windows, sealed, lastSeq }))).toEqual([
      { windows: 64, sealed: true, lastSeq: 64 },
      { windows: 64, sealed: true, lastSeq: 128 },
      { windows: 2, sealed: false, lastSeq: 130 },
    ])
    for (const chunk of chunks.slice(0, 2)) expect(chunk.updates()).toHaveLength(1)
    const all = chunks.flatMap(chunk => chunk.updates())
    expect(textOf(load(all))).toBe(textOf(load(updates)))
    for (const chunk of chunks) {
      expect(contentOf(Y.mergeUpdates([...chunk.updates()])).structs).toEqual(chunk.structs)
    }
  })

  test('is sealed at 256 KiB', () => {
    const { tail } = tailOf(typed(7, 'x'.repeat(200_000), 'y'.repeat(100_000), 'z'))
    expect(chunksOf(tail).map(({ windows }) => windows)).toEqual([2, 1])
  })

  test('that is open can be asked for its content again and again, while it grows', () => {
    const updates = typed(7, 'one ', 'two ', 'three ')
    const { tail } = tailOf(updates.slice(0, 2))
    expect(textOf(load([...tail.first.updates()]))).toBe('two one ')
    tail.add(windowOf(3, updates[2]!))
    expect(tail.first.updates()).toHaveLength(1)
    expect(textOf(load([...tail.first.updates()]))).toBe('three two one ')
    expect(tail.first.windows).toBe(3)
  })

  test('[ROOM-3] whose windows Yjs cannot merge is its windows side by side, and that is told once', () => {
    const updates = typed(7, 'one ', 'two ')
    const { tail, failures } = tailOf([updates[0]!])
    const nothing = { structs: new Map(), deletes: new Map() }
    tail.add(windowOf(2, hex('01 ff ff'), { ...nothing, structCount: 0, deleteRangeCount: 0 } as never))
    tail.add(windowOf(3, updates[1]!))
    expect(tail.first.updates()).toEqual([updates[0], hex('01 ff ff'), updates[1]])
    tail.first.updates()
    tail.seal()
    expect(failures).toHaveLength(1)
    expect(asSyncStep2(tail.first.updates())).toEqual({
      before: [updates[0], hex('01 ff ff')],
      last: updates[1],
    })
  })
})

describe('a tail', () => {
  test('counts what is in it', () => {
    const updates = typed(7, 'one ', 'two ')
    const { tail } = tailOf(updates)
    expect(tail.windows).toBe(2)
    expect(tail.bytes).toBe(updates[0]!.byteLength + updates[1]!.byteLength)
  })

  test('forgets what a new base holds, and nothing after it', () => {
    const updates = typed(7, ...'abcdef')
    const { tail } = tailOf(updates.slice(0, 4))
    tail.seal()
    for (const index of [4, 5]) tail.add(windowOf(index + 1, updates[index]!))
    tail.dropThrough(4)
    expect(tail.windows).toBe(2)
    expect(tail.bytes).toBe(updates[4]!.byteLength + updates[5]!.byteLength)
    expect(chunksOf(tail).map(({ lastSeq }) => lastSeq)).toEqual([6])
    tail.seal()
    tail.dropThrough(6)
    expect([tail.windows, tail.bytes]).toEqual([0, 0])
    expect(tail.first.updates()).toEqual([])
  })

  test('that is empty seals nothing', () => {
    const { tail } = tailOf([])
    tail.seal()
    expect(tail.first.sealed).toBe(false)
    expect(asSyncStep2(tail.first.updates())).toEqual({ before: [], last: emptyUpdate })
  })

  test('[SYNC-1] leaves to a slow joiner the chunks that it holds, and all that come after them', () => {
    const updates = typed(7, ...'abcdef')
    const { tail } = tailOf(updates.slice(0, 2))
    const held = tail.first
    tail.seal()
    for (const index of [2, 3]) tail.add(windowOf(index + 1, updates[index]!))
    tail.seal()
    tail.dropThrough(4)
    for (const index of [4, 5]) tail.add(windowOf(index + 1, updates[index]!))
    const reachable: Uint8Array[] = []
    for (let chunk: Chunk | null = held; chunk !== null; chunk = chunk.next)
      reachable.push(...chunk.updates())
    expect(textOf(load(reachable))).toBe(textOf(load(updates)))
  })
})
