/**
 * The bytes of the Hocuspocus framing, both ways, against those that the published providers send and understand.
 */
import {
  decodeHocuspocus,
  hocuspocusCodec,
  hocuspocusKey,
  hocuspocusPong,
} from '@syncline/shared/wire/hocuspocus'
import type { Message } from '@syncline/shared/wire/message'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count, testSeed } from '../../support/counts.ts'
import { keyed } from '../../support/raw-hocuspocus.ts'
import { hex } from '../../support/room-author.ts'

const nameBytesMax = 1_024
const seed = testSeed()
const decode = (bytes: Uint8Array) => decodeHocuspocus(bytes, nameBytesMax)
const encode = (message: Message, key = 'doc') => hocuspocusCodec(key).encode(message)
/** The key `doc`, as it begins every frame. */
const doc = '03 64 6f 63'

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
  'awareness about nobody': ['01 01 00', { kind: 'awareness', awareness: hex('00') }],
  'a question for awareness': ['03', { kind: 'query-awareness' }],
  'a stateless message': ['05 02 68 69', { kind: 'stateless', payload: 'hi' }],
}

const fromTheServer: Record<string, [bytes: string, message: Message]> = {
  'a question for the token': ['02 00', { kind: 'token-request' }],
  'a refusal': [
    '02 01 11 70 65 72 6d 69 73 73 69 6f 6e 2d 64 65 6e 69 65 64',
    { kind: 'permission-denied', reason: 'permission-denied' },
  ],
  'leave to write': ['02 02 0a 72 65 61 64 2d 77 72 69 74 65', { kind: 'authenticated', mayWrite: true }],
  'leave to read': ['02 02 08 72 65 61 64 6f 6e 6c 79', { kind: 'authenticated', mayWrite: false }],
  'a status that it is saved': ['08 01', { kind: 'status', saved: true }],
  'a status that it was refused': ['08 00', { kind: 'status', saved: false }],
}

const fromTheProvider: Record<string, [bytes: string, message: Message]> = {
  'a token, with the version of a provider since 4.0': [
    '02 00 03 74 6f 6b 05 34 2e 38 2e 30',
    { kind: 'token', token: 'tok' },
  ],
  'a token, without a version as before 4.0': ['02 00 03 74 6f 6b', { kind: 'token', token: 'tok' }],
  'a token that is empty': ['02 00 00 05 34 2e 38 2e 30', { kind: 'token', token: '' }],
  'the end of a document': ['07', { kind: 'close' }],
  'the end of a document, with a reason': ['07 03 62 79 65', { kind: 'close' }],
}

const understood = (message: Message) => ({ kind: 'message', key: 'doc', document: 'doc', message })

describe('a message', () => {
  for (const [what, [bytes, message]] of Object.entries({ ...bothWays, ...fromTheServer })) {
    test(`${what} has these bytes`, () => {
      expect(encode(message)).toEqual(hex(`${doc} ${bytes}`))
    })
  }
  for (const [what, [bytes, message]] of Object.entries({ ...bothWays, ...fromTheProvider })) {
    test(`these bytes are ${what}`, () => {
      expect(decode(hex(`${doc} ${bytes}`))).toEqual(understood(message))
    })
  }

  test('of one byte is a ping or the answer to one, and has no key', () => {
    expect(decode(hex('09'))).toEqual({ kind: 'ping' })
    expect(decode(hex('0a'))).toEqual({ kind: 'pong' })
    expect(hocuspocusPong).toEqual(hex('0a'))
    // A key of nine bytes is a key.
    expect(decode(keyed('nine byte').queryAwareness())).toMatchObject({ kind: 'message', key: 'nine byte' })
  })

  test('of a kind that only clients or the other framing send is not encoded', () => {
    const never: readonly Message[] = [
      { kind: 'token', token: '' },
      { kind: 'close' },
      { kind: 'saved', token: hex('01') },
    ]
    for (const message of never) expect(() => encode(message)).toThrow(/a server sends no/)
  })

  test('of more than 127 bytes has a length of several bytes', () => {
    const update = new Uint8Array(300).fill(120)
    const encoded = encode({ kind: 'update', update })
    expect(encoded.subarray(4, 8)).toEqual(hex('00 02 ac 02'))
    expect(decode(encoded)).toEqual(understood({ kind: 'update', update }))
  })
})

describe('a key', () => {
  for (const bytes of [1, 2, 3, 127, 128, 1_000]) {
    test(`of ${bytes} bytes names a document, and is answered under itself`, () => {
      const key = 'k'.repeat(bytes)
      const decoded = decode(keyed(key).syncStep1())
      expect(decoded).toMatchObject({ kind: 'message', key, document: key })
      expect(encode({ kind: 'sync-step-1', vector: hex('00') }, key)).toEqual(keyed(key).syncStep1())
    })
  }

  test.each([
    '__proto__',
    'constructor',
    'a/b?c#d',
    '100%',
    '%41',
    'ü',
    'u\u0308',
    '🧵',
    ' padded ',
    '\ufeffbom',
  ])('%j names the document of that name and no other', name => {
    expect(decode(keyed(name).close())).toMatchObject({ kind: 'message', key: name, document: name })
    expect(encode({ kind: 'query-awareness' }, name)).toEqual(keyed(name).queryAwareness())
  })

  test('with a session names the document before the first NUL, and is answered whole', () => {
    for (const key of ['doc\0abc123', 'doc\0', 'doc\0a\0b']) {
      expect(decode(keyed(key).close())).toMatchObject({ kind: 'message', key, document: 'doc' })
      expect(encode({ kind: 'query-awareness' }, key)).toEqual(keyed(key).queryAwareness())
    }
  })

  test.each(['', ' ', '\t\n', '\u00a0', '\0', '\0session', ' \0session'])(
    '%j is blank, and is refused with a sentence under itself',
    key => {
      const reason = 'the name of the document is empty'
      const message = { kind: 'sync-step-1', vector: hex('00') }
      expect(decode(keyed(key).syncStep1())).toEqual({ kind: 'key-refused', key, reason, message })
    },
  )

  test('is measured in bytes of UTF-8, without its session', () => {
    expect(decode(keyed('ü'.repeat(512)).close())).toMatchObject({ kind: 'message' })
    const tooLong = decode(keyed('ü'.repeat(513)).close())
    expect(tooLong).toMatchObject({ kind: 'key-refused' })
    expect(tooLong).toMatchObject({ reason: expect.stringContaining('1026 bytes') })
    expect(decode(keyed(`doc\0${'s'.repeat(2_000)}`).close())).toMatchObject({ document: 'doc' })
  })

  test('can be read of a message that is not to be', () => {
    const update = new Uint8Array(1_000)
    expect(hocuspocusKey(keyed('doc\0a').update(update))).toBe('doc\0a')
    expect(hocuspocusKey(keyed('k'.repeat(16 * 1_024 + 1)).update(update))).toBe(null)
    for (const bytes of ['', '03 64', '02 c3 28 00']) expect(hocuspocusKey(hex(bytes))).toBe(null)
  })

  test('that is longer than any name with a session is not looked at', () => {
    expect(decode(keyed('k'.repeat(16 * 1_024)).close())).toMatchObject({ kind: 'key-refused' })
    expect(decode(keyed('k'.repeat(16 * 1_024 + 1)).close())).toMatchObject({ kind: 'malformed' })
  })
})

describe('a frame is refused with a sentence', () => {
  const refused = {
    'of no bytes': '',
    'of one byte that is neither ping nor pong': '08',
    'that ends in its key': '03 64 6f',
    'that ends after its key': doc,
    'that ends after its type': `${doc} 00`,
    'that ends in the middle of its body': `${doc} 00 02 0c 01 01`,
    'whose length is a number without end': 'ff ff ff ff ff ff ff ff ff ff ff ff',
    'whose key is longer than the frame': 'ff 7f 64 6f 63',
    'whose body is longer than the frame': `${doc} 00 00 ff ff ff ff 0f 00`,
    'whose key is no UTF-8': '02 c3 28 03',
    'whose key is half a surrogate pair': '03 ed a0 80 03',
    'whose token is no UTF-8': `${doc} 02 00 02 c3 28`,
    'whose stateless text is no UTF-8': `${doc} 05 02 c3 28`,
    'of an unknown sync step': `${doc} 00 03 01 00`,
    'that refuses, as only a server may': `${doc} 02 01 02 6e 6f`,
    'that says authenticated, as only a server may': `${doc} 02 02 08 72 65 61 64 6f 6e 6c 79`,
    'between servers (SyncReply)': `${doc} 04 00 01 00`,
    'between servers (BroadcastStateless)': `${doc} 06 02 68 69`,
    'with a status, as only a server sends it': `${doc} 08 01`,
    'of type ping with a key': `${doc} 09`,
    'of type pong with a key': `${doc} 0a`,
    'of an unknown type': `${doc} 63`,
    'of a type beyond 2^53': `${doc} ff ff ff ff ff ff ff ff 01`,
    'of the other framing': '00 02 02 00 00',
    'with bytes behind SyncStep1': `${doc} 00 00 01 00 00`,
    'with bytes behind an update': `${doc} 00 02 02 00 00 00`,
    'with bytes behind awareness': `${doc} 01 01 00 00`,
    'with bytes behind a question for awareness': `${doc} 03 00`,
    'with bytes behind a stateless message': `${doc} 05 02 68 69 00`,
    'with bytes behind token and version': `${doc} 02 00 01 74 01 34 00`,
    'with bytes behind CLOSE that are no text': `${doc} 07 02 c3 28`,
    'with bytes behind CLOSE and its reason': `${doc} 07 03 62 79 65 00`,
    'with another frame behind the first': `${doc} 00 00 01 00 ${doc} 00 00 01 00`,
  }
  for (const [what, bytes] of Object.entries(refused)) {
    test(what, () => {
      expect(decode(hex(bytes))).toEqual({ kind: 'malformed', reason: expect.stringMatching(/.{10,}/) })
    })
  }
})

const frames = count('HOCUSPOCUS_FRAMES', 3_000)
/** A key and a type, then anything: a body with its length, with a step before it, or bytes that are none. */
const begun = fc
  .record({
    key: fc.constantFrom('doc', 'd\0s', '', 'ü'),
    type: fc.nat(10),
    step: fc.option(fc.nat(3)),
    body: fc.uint8Array({ maxLength: 20 }),
    behind: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 5 })),
  })
  .map(({ key, type, step, body, behind }) =>
    Uint8Array.of(...keyed(key).any(type, ...(step === null ? [] : [step]), body), ...behind),
  )

test(`no bytes make the codec throw, and what is understood says the same again (${frames} frames, seed ${seed})`, () => {
  const kinds = new Set<string>()
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), begun), bytes => {
      const decoded = decode(bytes)
      kinds.add(decoded.kind)
      if (decoded.kind !== 'message') return
      const { key, message } = decoded
      kinds.add(message.kind)
      if (message.kind === 'token' || message.kind === 'close') return
      expect(decode(encode(message, key))).toEqual(decoded)
    }),
    { numRuns: frames, seed },
  )
  // Or random bytes have shown nothing but that garbage is refused.
  for (const kind of ['malformed', 'key-refused', 'sync-step-1', 'update', 'awareness', 'token', 'close'])
    expect(kinds).toContain(kind)
})
