import { draftEntries } from '@syncline/server/internal/room/entries'
import type { Arrival } from '@syncline/server/internal/room/window-queue'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author, hex, typed } from '../../support/room-author.ts'
import { contentOf } from '../../support/room-content.ts'

function arrival(update: Uint8Array, name: string, held = contentOf(update)): Arrival {
  const { structs, deletes } = held
  return { kind: 'new', update, structs, deletes, cut: false, author: name }
}

function draft(window: readonly Arrival[]) {
  const failures: { authors: readonly string[]; error: unknown }[] = []
  const onMergeFailure = (authors: readonly string[], error: unknown) => failures.push({ authors, error })
  return { drafts: draftEntries(window, { timeMs: 5, instance: 'one', onMergeFailure }), failures }
}

describe('draftEntries', () => {
  test('one update is an entry as it is', () => {
    const [update] = typed(7, 'hello')
    const { drafts } = draft([arrival(update!, 'ada')])
    expect(drafts.map(({ entry }) => entry)).toEqual([
      {
        kind: 'update',
        timeMs: 5,
        update,
        instance: 'one',
        nonce: expect.stringMatching(/^[0-9a-f]{16}$/),
        authors: [{ name: 'ada', structs: new Map([[7, [0, 5]]]), deletes: new Map() }],
      },
    ])
  })

  test('several updates are one entry, which holds what they held, by author', () => {
    const ada = author(7)
    ada.doc.getText('text').insert(0, 'hello')
    const ben = author(9, ada.updates)
    ben.doc.getText('text').delete(0, 2)
    const window = [
      arrival(ada.updates[0]!, 'ada'),
      arrival(ben.updates[0]!, 'ben'),
      arrival(typed(8, 'x')[0]!, 'ada'),
    ]
    const { drafts, failures } = draft(window)
    expect(failures).toEqual([])
    expect(drafts).toHaveLength(1)
    const { entry, content } = drafts[0]!
    expect(entry.update).toEqual(Y.mergeUpdates(window.map(({ update }) => update)))
    expect(entry.authors).toEqual([
      {
        name: 'ada',
        structs: new Map([
          [7, [0, 5]],
          [8, [0, 1]],
        ]),
        deletes: new Map(),
      },
      { name: 'ben', structs: new Map(), deletes: new Map([[7, [0, 2]]]) },
    ])
    expect(content.update).toBe(entry.update)
    expect(content.structs).toEqual(contentOf(entry.update).structs)
    expect(content.deletes).toEqual(contentOf(entry.update).deletes)
  })

  test('each entry has a nonce of its own', () => {
    const window = [arrival(typed(7, 'x')[0]!, 'ada')]
    const nonces = [draft(window), draft(window)].map(({ drafts }) => drafts[0]!.entry.nonce)
    expect(nonces[0]).not.toBe(nonces[1])
  })

  test('[ROOM-3] updates that Yjs cannot merge are an entry each, and all who had a part are named', () => {
    const nothing = { structs: new Map(), deletes: new Map() }
    const window = [
      arrival(typed(7, 'x')[0]!, 'ada'),
      arrival(hex('01 ff ff'), 'eve', nothing),
      arrival(typed(8, 'y')[0]!, 'ada'),
    ]
    const { drafts, failures } = draft(window)
    expect(failures).toEqual([{ authors: ['ada', 'eve'], error: expect.any(Error) }])
    expect(drafts.map(({ entry }) => entry.update)).toEqual(window.map(({ update }) => update))
    expect(drafts.map(({ entry }) => entry.authors.map(({ name }) => name))).toEqual([
      ['ada'],
      ['eve'],
      ['ada'],
    ])
  })
})
