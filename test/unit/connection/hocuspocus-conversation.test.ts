/**
 * Many documents on one socket of the Hocuspocus framing, with a socket and rooms that only note what they are told.
 */

import { ConnectionCounts } from '@syncline/server/internal/connection/connection-counts'
import { connectionLimits } from '@syncline/server/internal/connection/connection-limits'
import { ConnectionUsers } from '@syncline/server/internal/connection/connection-users'
import { HocuspocusConversation } from '@syncline/server/internal/connection/hocuspocus-conversation'
import type { ConnectionObserver } from '@syncline/server/internal/connection/observer'
import { Sessions } from '@syncline/server/internal/connection/sessions'
import { type Allowed, everybody } from '@syncline/server/internal/connection/visitor'
import { AppError } from '@syncline/server/internal/foundation/errors'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { beforeEach, describe, expect, test } from 'vitest'
import { NotingLine } from '../../support/noting-line.ts'
import { NotingPlace } from '../../support/noting-place.ts'
import { keyed, ping, pong } from '../../support/raw-hocuspocus.ts'
import { hex } from '../../support/room-author.ts'
import { TestClock, turn } from '../../support/room-clock.ts'

const settings = settingsWith({ limitDocumentsPerConnection: 500 })
const limits = connectionLimits(settings)

let line: NotingLine
let places: Map<string, NotingPlace>
/** In the order in which rooms were opened. */
let opened: string[]
let checked: [document: string, token: string | null][]
let answer: (document: string, token: string | null) => Promise<Allowed>
let reached: string[]
let refused: string[]
let conversation: HocuspocusConversation

beforeEach(() => {
  line = new NotingLine()
  places = new Map()
  opened = []
  checked = []
  answer = async () => everybody
  reached = []
  refused = []
  const clock = new TestClock()
  const counts = new ConnectionCounts(limits.counts, clock)
  const observer = new Proxy({} as ConnectionObserver, { get: () => () => {} })
  const sessions = new Sessions({
    openRoom: async document => {
      opened.push(document)
      return placeOf(document)
    },
    grants: null,
    counts,
    clock,
    limits: limits.inbound,
    openingMsMax: limits.openingMsMax,
    observer,
  })
  conversation = new HocuspocusConversation(line, {
    sessions,
    limits: limits.hocuspocus,
    check: (document, token) => {
      checked.push([document, token])
      return answer(document, token)
    },
    users: new ConnectionUsers(counts),
    clock,
    onAdmitted: () => {},
    onRefused: ({ code }) => refused.push(code),
    onLimit: limit => reached.push(limit),
  })
})

function placeOf(document: string): NotingPlace {
  const place = places.get(document) ?? new NotingPlace()
  places.set(document, place)
  return place
}

const hear = (...frames: Uint8Array[]) => {
  for (const frame of frames) conversation.hear(frame)
}
const begin = (key: string, token = 't') => hear(keyed(key).token(token), keyed(key).syncStep1())
const refusal: Allowed = { ok: false, refusal: new AppError('TOKEN_MISSING', {}) }

/** Until checks have ended and rooms are entered. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn()
}

test('documents of one socket are authenticated, opened and closed each on its own', async () => {
  answer = async document => (document === 'secret' ? refusal : everybody)
  begin('one')
  begin('secret')
  begin('two')
  await settled()
  expect(checked.map(([document]) => document)).toEqual(['one', 'secret', 'two'])
  expect(opened).toEqual(['one', 'two'])
  expect(line.said).toEqual([
    'one authenticated read-write',
    expect.stringMatching(/^secret permission-denied /),
    'two authenticated read-write',
  ])
  hear(keyed('one').close(), keyed('two').queryAwareness())
  expect(placeOf('one').left).toEqual(['closed'])
  expect(placeOf('two').kinds()).toEqual(['sync-step-1', 'query-awareness'])
  expect(line.closedWith).toBe(undefined)
})

test('two sessions of one document are two members of its room, each under its own key', async () => {
  begin('doc\0a')
  begin('doc\0b')
  await settled()
  const { members } = placeOf('doc')
  expect(members).toHaveLength(2)
  expect(new Set(members.map(({ id }) => id)).size).toBe(2)
  for (const member of members) member.send(member.encode({ kind: 'query-awareness' }))
  expect(line.frames.slice(2).map(({ key }) => key)).toEqual(['doc\0a', 'doc\0b'])
  hear(keyed('doc\0a').close())
  expect(placeOf('doc').left).toEqual(['closed'])
})

describe('a document that is closed and begun again in the next frame', () => {
  test('is open again, and nothing is answered that its new provider could take for itself', async () => {
    begin('doc')
    await settled()
    hear(keyed('doc').close())
    begin('doc')
    await settled()
    expect(line.said).toEqual(['doc authenticated read-write', 'doc authenticated read-write'])
    expect(placeOf('doc').members).toHaveLength(2)
    expect(placeOf('doc').left).toEqual(['closed'])
    hear(keyed('doc').queryAwareness())
    expect(placeOf('doc').kinds()).toEqual(['sync-step-1', 'sync-step-1', 'query-awareness'])
  })

  test('while its token is being checked is opened once', async () => {
    begin('doc', 'first')
    hear(keyed('doc').close())
    begin('doc', 'second')
    await settled()
    expect(checked).toEqual([
      ['doc', 'first'],
      ['doc', 'second'],
    ])
    expect(line.said).toEqual(['doc authenticated read-write'])
    expect(placeOf('doc').members).toHaveLength(1)
  })

  test('after a refusal is asked for its token anew', async () => {
    answer = async (_, token) => (token === 'right' ? everybody : refusal)
    begin('doc', 'wrong')
    await settled()
    hear(keyed('doc').close())
    begin('doc', 'right')
    await settled()
    expect(line.said[1]).toBe('doc authenticated read-write')
  })

  test('is not opened by what 2.15 says behind its CLOSE: that nobody is here', async () => {
    begin('doc')
    await settled()
    hear(keyed('doc').close(), keyed('doc').awareness(hex('01 01 02 04 6e 75 6c 6c')))
    await settled()
    expect([checked.length, opened]).toEqual([1, ['doc']])
  })
})

test('what is typed while a provider fetches its token is dropped, and its handshake is answered', async () => {
  answer = async (_, token) => (token === 't' ? everybody : refusal)
  hear(keyed('doc').update(hex('00 00')), keyed('doc').awareness(hex('00')), keyed('doc').stateless('hi'))
  await settled()
  expect([checked, line.said]).toEqual([[], []])
  begin('doc')
  await settled()
  expect(line.said).toEqual(['doc authenticated read-write'])
  expect(placeOf('doc').kinds()).toEqual(['sync-step-1'])
})

test('a blank name is refused once where it begins, without a check, and what follows is dropped', async () => {
  begin(' ')
  hear(keyed(' ').update(hex('00 00')), keyed(' ').awareness(hex('00')), keyed(' ').close())
  begin('doc')
  await settled()
  const sentence = 'the name of the document is empty'
  const denied = `  permission-denied ${sentence}`
  expect(line.said).toEqual([denied, 'doc authenticated read-write'])
  expect(checked.map(([document]) => document)).toEqual(['doc'])
  expect(refused).toEqual(['DOCUMENT_NAME_INVALID'])
})

test('`__proto__` is a document like any other', async () => {
  begin('__proto__')
  begin('constructor')
  await settled()
  expect(opened).toEqual(['__proto__', 'constructor'])
  expect(placeOf('__proto__').kinds()).toEqual(['sync-step-1'])
})

describe('a ping', () => {
  test('is answered, before any document is open too, and an answer to one is not', async () => {
    hear(ping, pong)
    begin('doc')
    await settled()
    hear(pong, ping)
    expect(line.said).toEqual(['pong', 'doc authenticated read-write', 'pong'])
    expect(line.closedWith).toBe(undefined)
  })
})

describe('the frame for the watchdog', () => {
  test('is about nobody, under a key that is open', async () => {
    answer = async document => (document === 'secret' ? refusal : everybody)
    expect(conversation.keepAlive()).toBe(null)
    begin('secret')
    await settled()
    expect(conversation.keepAlive()).toBe(null)
    begin('doc')
    await settled()
    line.send(conversation.keepAlive()!)
    expect(line.frames.at(-1)!.bytes).toEqual(keyed('doc').awareness(hex('00')))
    hear(keyed('doc').close())
    expect(conversation.keepAlive()).toBe(null)
  })
})

describe('bounds', () => {
  test('[LIM-1 documents-per-connection] so many documents are open on one socket, closed ones not counted', async () => {
    for (let i = 0; i < 500; i++) begin(`document ${i}`)
    await settled()
    expect(line.closedWith).toBe(undefined)
    hear(keyed('document 7').close())
    begin('one more')
    await settled()
    expect(line.closedWith).toBe(undefined)
    const said = line.said.length
    begin('one too many')
    hear(keyed('one too many').update(new Uint8Array(2)))
    await settled()
    const denied = 'one too many permission-denied at most 500 documents may be open on one socket'
    expect(line.said.slice(said)).toEqual([denied])
    expect([reached[0], refused, opened.length]).toEqual(['limitDocumentsPerConnection', ['4529'], 501])
    hear(keyed('document 8').close())
    begin('one too many')
    await settled()
    expect(line.said.slice(said)).toEqual([denied, 'one too many authenticated read-write'])
    expect(line.closedWith).toBe(undefined)
  })

  test('[AUTH-1] so many messages wait for checks on one socket, whatever their keys', async () => {
    answer = () => new Promise(() => {})
    for (let i = 0; i < 10; i++) hear(keyed(`document ${i}`).token('t'))
    for (let i = 0; i < 1_000; i++) hear(keyed(`document ${i % 10}`).queryAwareness())
    expect(line.closedWith).toBe(undefined)
    hear(keyed('document 3').queryAwareness())
    expect(line.closedWith).toEqual({ code: 4529, detail: expect.stringContaining('before a token') })
  })

  test('[AUTH-1] so many bytes wait for checks on one socket', async () => {
    answer = () => new Promise(() => {})
    hear(keyed('one').token('t'), keyed('two').token('t'))
    const update = new Uint8Array(1024 * 1024)
    for (const key of ['one', 'two', 'one']) hear(keyed(key).update(update))
    expect(line.closedWith).toBe(undefined)
    hear(keyed('two').update(update))
    expect(line.closedWith).toMatchObject({ code: 4529 })
  })

  test('what waited and was heard, refused or closed no longer counts', async () => {
    const ends: ((allowed: Allowed) => void)[] = []
    answer = () => new Promise(resolve => ends.push(resolve))
    for (let round = 0; round < 6; round++) {
      hear(keyed('doc').token('t'))
      for (let i = 0; i < 500; i++) hear(keyed('doc').queryAwareness())
      if (round % 3 !== 0) ends.at(-1)!(round % 3 === 1 ? everybody : refusal)
      await settled()
      hear(keyed('doc').close())
    }
    expect(line.closedWith).toBe(undefined)
  })
})

describe('a message above the limit of size', () => {
  test('[LIM-1 message-bytes] ends its document, is told once, and leaves the others alone', async () => {
    begin('large')
    begin('other')
    await settled()
    const frame = keyed('large').update(new Uint8Array(1_000))
    conversation.hearTooLarge(frame, 'a message of too many bytes came')
    conversation.hearTooLarge(frame, 'a message of too many bytes came')
    hear(keyed('other').queryAwareness(), keyed('large').queryAwareness())
    expect(line.said.slice(2)).toEqual(['large permission-denied a message of too many bytes came'])
    expect(refused).toEqual(['4413'])
    expect([placeOf('large').left, placeOf('large').kinds()]).toEqual([['closed'], ['sync-step-1']])
    expect(placeOf('other').kinds()).toEqual(['sync-step-1', 'query-awareness'])
    expect(line.closedWith).toBe(undefined)
  })

  test.each([
    ['of a document that is not open', keyed('nowhere').update(new Uint8Array(1_000))],
    ['without a key', new Uint8Array(1_000).fill(0xff)],
  ])('[LIM-1 message-bytes] %s closes the socket', async (_, frame) => {
    begin('doc')
    await settled()
    conversation.hearTooLarge(frame, 'a message of too many bytes came')
    expect(line.closedWith).toMatchObject({ code: 4413, detail: 'a message of too many bytes came' })
  })
})

describe('a frame that cannot be understood', () => {
  const unknown = hex('03 64 6f 63 63')

  test('ends the document under whose key it comes, once, and leaves the others alone', async () => {
    begin('doc')
    begin('other')
    await settled()
    hear(unknown, unknown, keyed('doc').queryAwareness(), keyed('other').queryAwareness())
    expect(line.said.slice(2)).toEqual([expect.stringMatching(/^doc permission-denied .*99/)])
    expect([placeOf('doc').left, placeOf('doc').kinds()]).toEqual([['closed'], ['sync-step-1']])
    expect(placeOf('other').kinds()).toEqual(['sync-step-1', 'query-awareness'])
    expect(refused).toEqual(['4400'])
    expect(line.closedWith).toBe(undefined)
  })

  test('ends it also while its token is being checked, whatever comes of that', async () => {
    begin('doc')
    hear(unknown)
    await settled()
    expect(line.said).toEqual([expect.stringContaining('doc permission-denied ')])
    expect(opened).toEqual([])
    begin('doc')
    await settled()
    expect(line.said.slice(1)).toEqual(['doc authenticated read-write'])
  })

  test('closes the socket for good where its document is none of the open ones', () => {
    hear(unknown)
    expect(line.closedWith).toEqual({ code: 4400, detail: expect.stringContaining('99') })
  })
})

test.each(['closed', 'lost'] as const)('a socket that is %s leaves every document so', async how => {
  begin('one')
  begin('two\0a')
  begin('two\0b')
  await settled()
  conversation.leave(how)
  expect([placeOf('one').left, placeOf('two').left]).toEqual([[how], [how, how]])
})
