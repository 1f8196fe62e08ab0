/**
 * The bytes of the y-websocket framing, both ways, against those that the published clients send and understand.
 */
import type { Message } from '@syncline/shared/wire/message'
import { awarenessAboutNobody } from '@syncline/shared/wire/sync-frame'
import { yWebsocket } from '@syncline/shared/wire/y-websocket'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hex } from '../../support/room-author.ts'

const text = (what: string) => new Uint8Array(Buffer.from(what))

const bothWays: Record<string, [bytes: string, message: Message]> = {
  'SyncStep1 of an empty document': ['00 00 01 00', { kind: 'sync-step-1', vector: hex('00') }],
  'SyncStep2 with nothing to tell': ['00 01 02 00 00', { kind: 'sync-step-2', update: hex('00 00') }],
  'an update that inserts "hi"': [
    '00 02 0c 01 01 01 00 04 01 01 74 02 68 69 00',
    { kind: 'update', update: hex('01 01 01 00 04 01 01 74 02 68 69 00') },
  ],
  'awareness of one client': [
    '01 0b 01 01 01 07 7b 22 61 22 3a 31 7d',
    { kind: 'awareness', awareness: hex('01 01 01 07 7b 22 61 22 3a 31 7d') },
  ],
  'awareness of a client that is gone': [
    '01 08 01 01 02 04 6e 75 6c 6c',
    { kind: 'awareness', awareness: hex('01 01 02 04 6e 75 6c 6c') },
  ],
  'awareness about nobody': ['01 01 00', { kind: 'awareness', awareness: awarenessAboutNobody }],
  'a question for awareness': ['03', { kind: 'query-awareness' }],
  'a question whether all is saved': ['66 02 05 06', { kind: 'saved', token: hex('05 06') }],
}

describe('a message', () => {
  for (const [what, [bytes, message]] of Object.entries(bothWays)) {
    test(`${what} has these bytes, and these bytes are it`, () => {
      expect(yWebsocket.encode(message)).toEqual(hex(bytes))
      expect(yWebsocket.decode(hex(bytes))).toEqual({ ok: true, message })
    })
  }

  test('a refusal of permission has these bytes, and is nothing that a client says', () => {
    const message: Message = { kind: 'permission-denied', reason: 'no' }
    expect(yWebsocket.encode(message)).toEqual(hex('02 00 02 6e 6f'))
    expect(yWebsocket.decode(hex('02 00 02 6e 6f')).ok).toBe(false)
  })

  test('a question for awareness may have a body without meaning, as y-sweet sends it', () => {
    const decoded = yWebsocket.decode(hex('03 01 00'))
    expect(decoded).toEqual({ ok: true, message: { kind: 'query-awareness' } })
  })

  test('of more than 127 bytes has a length of several bytes', () => {
    const update = text('x'.repeat(300))
    const encoded = yWebsocket.encode({ kind: 'update', update })
    expect(encoded.subarray(0, 4)).toEqual(hex('00 02 ac 02'))
    expect(yWebsocket.decode(encoded)).toEqual({ ok: true, message: { kind: 'update', update } })
  })
})

describe('a frame is refused with a sentence', () => {
  const refused = {
    'of no bytes': '',
    'that ends after its type': '00',
    'that ends in the middle of its body': '00 02 0c 01 01',
    'whose length is a number without end': 'ff ff ff ff ff ff ff ff ff ff ff ff',
    'with a second message behind the first': '00 00 01 00 01 01 00',
    'of an unknown type': '04 01 00',
    'with an unknown kind of sync': '00 03 01 00',
    'whose length is beyond its end': '00 00 ff ff ff ff 0f 00',
  }
  for (const [what, bytes] of Object.entries(refused)) {
    test(what, () => {
      expect(yWebsocket.decode(hex(bytes))).toEqual({ ok: false, reason: expect.stringMatching(/.{10,}/) })
    })
  }

  test('and no bytes at all make the codec throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        const decoded = yWebsocket.decode(bytes)
        // Whatever is understood says the same again, but for what follows a question for awareness.
        if (!decoded.ok || decoded.message.kind === 'query-awareness') return
        expect(yWebsocket.decode(yWebsocket.encode(decoded.message))).toEqual(decoded)
      }),
      { numRuns: 2_000 },
    )
  })
})
