import { type AwarenessEntry, decodeAwareness, encodeAwareness } from '@syncline/shared/presence'
import { describe, expect, test } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { hex } from '../support/room-author.ts'

const entries: AwarenessEntry[] = [
  { client: 1, clock: 1, json: '{"a":1}' },
  { client: 2 ** 53 - 1, clock: 0, json: 'null' },
]

describe('an awareness update', () => {
  test('is read as y-protocols writes it', () => {
    const awareness = new Awareness(new Y.Doc())
    awareness.setLocalState({ name: 'Ada', __proto__: 1 })
    const bytes = encodeAwarenessUpdate(awareness, [awareness.clientID])
    const json = JSON.stringify(awareness.getLocalState())
    expect(decodeAwareness(bytes, 1)).toEqual({
      ok: true,
      entries: [{ client: awareness.clientID, clock: 1, json }],
    })
    awareness.destroy()
  })

  test('comes back from its bytes as it was', () => {
    expect(decodeAwareness(encodeAwareness(entries), 2)).toEqual({ ok: true, entries })
  })

  test('has these bytes', () => {
    expect(encodeAwareness([{ client: 1, clock: 1, json: '{"a":1}' }])).toEqual(
      hex('01 01 01 07 7b2261223a317d'),
    )
    expect(encodeAwareness([])).toEqual(hex('00'))
  })

  test('carries any JSON on as the text that it was', () => {
    for (const json of ['1', '"x"', '[]', '{"__proto__":{}}', '{ "a" : 1e3 }', '"\\ud800"']) {
      const decoded = decodeAwareness(encodeAwareness([{ client: 1, clock: 1, json }]), 1)
      expect(decoded).toEqual({ ok: true, entries: [{ client: 1, clock: 1, json }] })
    }
  })

  test('that removes is one also with blanks around it: clients parse it', () => {
    const decoded = decodeAwareness(encodeAwareness([{ client: 1, clock: 1, json: ' null\n' }]), 1)
    expect(decoded).toEqual({ ok: true, entries: [{ client: 1, clock: 1, json: 'null' }] })
  })

  test('with a state that is nested too deeply for clients to write it again is refused', () => {
    const decodedAt = (depth: number, inside = '') => {
      const json = '['.repeat(depth) + inside + ']'.repeat(depth)
      return decodeAwareness(encodeAwareness([{ client: 1, clock: 1, json }]), 1)
    }
    expect(decodedAt(100)).toMatchObject({ ok: true })
    expect(decodedAt(100, '"[[{\\"{"')).toMatchObject({ ok: true })
    expect(decodedAt(100, '{"[\\"":[]}')).toMatchObject({ ok: false })
    const reason = 'an awareness state is nested too deeply'
    expect(decodedAt(101)).toEqual({ ok: false, reason })
    expect(decodedAt(30_000)).toEqual({ ok: false, reason })
  })

  const refused = {
    'that ends in the middle': '01 01 01 07 7b22',
    'with bytes behind its end': '01 01 01 02 7b7d 00',
    'with a state that is no JSON': '01 01 01 02 7b7b',
    'with an empty state': '01 01 01 00',
    'with a text that is no UTF-8': '01 01 01 02 fffe',
    'that names more clients than are allowed': '03 01 01 02 7b7d 02 01 02 7b7d 03 01 02 7b7d',
    'that counts more clients than it holds': '02 01 01 02 7b7d',
    'with a clock beyond 2^53': '01 01 ffffffffffffffffff01 02 7b7d',
  }
  for (const [what, bytes] of Object.entries(refused)) {
    test(`${what} is refused with a sentence`, () => {
      expect(decodeAwareness(hex(bytes), 2)).toEqual({ ok: false, reason: expect.any(String) })
    })
  }
})
