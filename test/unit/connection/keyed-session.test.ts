/**
 * One key of a Hocuspocus socket, with checks that end when the test says so, and a room that only notes what it is told.
 */
import type { Grant } from '@syncline/server/internal/auth/grant'
import { KeyedSession } from '@syncline/server/internal/connection/keyed-session'
import { Session, type Voice } from '@syncline/server/internal/connection/session'
import type { Allowed } from '@syncline/server/internal/connection/visitor'
import { AppError } from '@syncline/server/internal/foundation/errors'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { hocuspocusCodec } from '@syncline/shared/wire/hocuspocus'
import type { Message } from '@syncline/shared/wire/message'
import { beforeEach, describe, expect, test } from 'vitest'
import { NotingLine } from '../../support/noting-line.ts'
import { NotingPlace } from '../../support/noting-place.ts'
import { turn } from '../../support/room-clock.ts'

const messagesMax = 5

let checks: { readonly token: string | null; readonly end: (allowed: Allowed) => void }[]
let opened: Session[]
let replaced: (Grant | null)[]
let said: string[]
let refused: string[]
let closedWith: { readonly code: number; readonly detail: string | undefined }[]
let comeBack: string[]
let waiting: number
let place: NotingPlace
let line: NotingLine
let keyed: KeyedSession

beforeEach(() => {
  checks = []
  opened = []
  replaced = []
  said = []
  refused = []
  closedWith = []
  comeBack = []
  waiting = 0
  place = new NotingPlace()
  line = new NotingLine()
  keyed = new KeyedSession({
    say: message => said.push(spoken(message)),
    check: token => new Promise(end => checks.push({ token, end })),
    open: (grant, voice) => open(grant, voice),
    replaceGrant: (_, grant) => replaced.push(grant),
    closeConnection: ({ code }, detail) => closedWith.push({ code, detail }),
    comeBackLater: ({ code }) => comeBack.push(code),
    onRefused: ({ code }) => refused.push(code),
    mayWait: () => waiting < messagesMax && ++waiting > 0,
    noLongerWaits: () => waiting--,
  })
})

function open(grant: Grant | null, voice: Voice): Session {
  const limits = { waitingMessagesMax: 100, waitingMessageBytesMax: 10_000 }
  const codec = hocuspocusCodec('doc')
  const session = new Session({
    id: 'session',
    document: 'doc',
    codec,
    grant,
    isProvider: true,
    line,
    limits,
    onLimit: () => {},
    voice,
  })
  opened.push(session)
  session.join(place)
  return session
}

function spoken(message: Message): string {
  if (message.kind === 'authenticated') return message.mayWrite ? 'read-write' : 'readonly'
  return message.kind === 'permission-denied' ? `denied: ${message.reason}` : message.kind
}

const grant = (user: string | null, more: Partial<Grant> = {}): Grant => ({
  access: 'write',
  granted: 'write',
  user: user === null ? null : { id: user, name: null, color: null },
  tokenId: null,
  issuedMs: null,
  endsMs: Number.MAX_SAFE_INTEGER,
  ...more,
})
const allowed = (user: string | null, more: Partial<Grant> = {}): Allowed => ({
  ok: true,
  grant: grant(user, more),
})
const everybody: Allowed = { ok: true, grant: null }
const refusal: Allowed = { ok: false, refusal: new AppError('TOKEN_MISSING', {}) }

const hear = (...messages: Message[]) => {
  for (const message of messages) keyed.hear(message, 10)
}
const token = (text: string): Message => ({ kind: 'token', token: text })
const step1: Message = { kind: 'sync-step-1', vector: Uint8Array.of(0) }
const edit = (number: number): Message => ({ kind: 'update', update: Uint8Array.of(number) })
const edits = () => place.received.flatMap(message => (message.kind === 'update' ? [message.update[0]!] : []))

async function end(check: number, allowed: Allowed): Promise<void> {
  checks[check]!.end(allowed)
  await turn()
}

describe('what comes while the token is being checked', () => {
  test('[AUTH-1] opens nothing and is answered with nothing', async () => {
    hear(token('t'), step1, edit(1))
    await turn()
    expect([opened, said, place.received]).toEqual([[], [], []])
  })

  test('is heard in its order behind Authenticated, and is counted as waiting until then', async () => {
    hear(token('t'), step1, edit(1), edit(2))
    expect(waiting).toBe(3)
    const saidWhenOpened: string[][] = []
    place.enter = () => void saidWhenOpened.push([...said])
    await end(0, everybody)
    expect(saidWhenOpened).toEqual([['read-write']])
    expect(place.kinds()).toEqual(['sync-step-1', 'update', 'update'])
    expect(edits()).toEqual([1, 2])
    expect(waiting).toBe(0)
  })

  test('is kept only as far as it may be', async () => {
    hear(token('t'), ...Array.from({ length: messagesMax + 2 }, (_, i) => edit(i)))
    await end(0, everybody)
    expect(edits()).toEqual([0, 1, 2, 3, 4])
  })

  test('is dropped and no longer counted where the token is refused', async () => {
    hear(token('t'), step1, edit(1))
    await end(0, refusal)
    expect(waiting).toBe(0)
    expect(said).toEqual([expect.stringMatching(/^denied: /)])
    expect(refused).toEqual(['TOKEN_MISSING'])
    hear(edit(2), step1)
    await turn()
    expect([opened, checks.length, said.length, waiting]).toEqual([[], 1, 1, 0])
  })

  test('is forgotten where it leaves meanwhile, and nothing is opened or said', async () => {
    hear(token('t'), step1)
    keyed.leave('closed')
    expect(waiting).toBe(0)
    await end(0, everybody)
    expect([opened, said]).toEqual([[], []])
  })
})

describe('a token', () => {
  test.each([
    ['', null],
    ['t', 't'],
  ])('%j is checked as %j', (given, checked) => {
    hear(token(given))
    expect(checks.map(check => check.token)).toEqual([checked])
  })

  test('that is not sent at all, as before 4.0, is none', async () => {
    hear(step1, edit(1))
    expect(checks.map(check => check.token)).toEqual([null])
    await end(0, everybody)
    expect(said).toEqual(['read-write'])
    expect(place.kinds()).toEqual(['sync-step-1', 'update'])
  })

  test('that may only read is told so', async () => {
    hear(token('t'))
    await end(0, allowed('u1', { access: 'read' }))
    expect(said).toEqual(['readonly'])
    expect(opened[0]!.access).toBe('read')
  })

  test.each([
    ['the newest is checked last', [0, 1]],
    ['the newest is checked first', [1, 0]],
  ])('of two counts the newest, where %s', async (_, order) => {
    hear(token('old'), step1, token('new'))
    for (const check of order) await end(check, check === 1 ? allowed('u2') : refusal)
    expect(said).toEqual(['read-write'])
    expect(opened.map(({ identity }) => identity?.user?.id)).toEqual(['u2'])
    expect(place.kinds()).toEqual(['sync-step-1'])
  })

  test('of two counts the newest, also where that one is refused', async () => {
    hear(token('old'), step1, token('new'))
    await end(0, allowed('u1'))
    await end(1, refusal)
    expect(opened).toEqual([])
    expect(said).toEqual([expect.stringMatching(/^denied: /)])
  })

  test('after a refusal is a new attempt', async () => {
    hear(token('wrong'), step1, edit(1))
    await end(0, refusal)
    hear(token('right'), step1, edit(2))
    await end(1, everybody)
    expect(said[1]).toBe('read-write')
    // What was refused is not done afterwards: the handshake brings it.
    expect(edits()).toEqual([2])
  })
})

describe('another token in an open session', () => {
  beforeEach(async () => {
    hear(token('first'), step1)
    await end(0, allowed('u1'))
    said.length = 0
  })

  test('[AUTH-2] of the same user takes the place of the former, and nothing is said', async () => {
    hear(token('second'), edit(1))
    // The session goes on meanwhile.
    expect(edits()).toEqual([1])
    await end(1, allowed('u1', { endsMs: 5 }))
    expect(replaced.map(one => one?.endsMs)).toEqual([5])
    expect([said, refused, place.left]).toEqual([[], [], []])
  })

  test.each([
    ['of another user', allowed('u2')],
    ['of nobody', allowed(null)],
    ['that is not valid', refusal],
  ])('[AUTH-2] %s ends it, and the socket stays', async (_, checked) => {
    hear(token('second'))
    await end(1, checked)
    hear(edit(1))
    expect(said).toEqual([expect.stringMatching(/^denied: /)])
    expect([place.left, edits(), replaced, closedWith]).toEqual([['closed'], [], [], []])
  })
})

describe('a session that has to end', () => {
  beforeEach(async () => {
    hear(token('first'), step1)
    await end(0, allowed('u1'))
    said.length = 0
  })

  test.each(Object.entries(closeCodes).filter(([, { retry }]) => !retry))(
    'for good (%s) is told so for its document, and the socket stays',
    async (_, code) => {
      opened[0]!.close(code, 'because')
      expect(said).toEqual(['denied: because'])
      expect([closedWith, place.left, refused]).toEqual([[], ['closed'], [String(code.code)]])
      hear(edit(1), step1)
      expect([edits(), said.length]).toEqual([[], 1])
    },
  )

  test.each(Object.entries(closeCodes).filter(([, { retry }]) => retry))(
    'for a while (%s) closes the socket, since its provider comes back only then',
    (_, code) => {
      opened[0]!.close(code, 'because')
      expect(closedWith).toEqual([{ code: code.code, detail: 'because' }])
      expect(said).toEqual([])
    },
  )

  test('because its user has too many is told so, and the socket stays', async () => {
    let voice: Voice | undefined
    const other = new KeyedSession({
      say: message => said.push(spoken(message)),
      check: async () => everybody,
      open: (grant, given) => {
        voice = given
        return open(grant, given)
      },
      replaceGrant: () => {},
      closeConnection: ({ code }, detail) => closedWith.push({ code, detail }),
      comeBackLater: ({ code }) => comeBack.push(code),
      onRefused: ({ code }) => refused.push(code),
      mayWait: () => true,
      noLongerWaits: () => {},
    })
    other.hear(token('t'), 10)
    await turn()
    voice!.overLimit(new AppError('TOO_MANY_CONNECTIONS_TO_DOCUMENT', { connectionsMax: 3 }))
    expect(said).toEqual(['read-write', expect.stringMatching(/^denied: .*3/)])
    expect(closedWith).toEqual([])
  })
})

describe('where nobody can say whether a token is good', () => {
  const nobodyKnows: Allowed = {
    ok: false,
    refusal: new AppError('CALLBACK_FAILED', { reason: 'no answer' }),
  }

  test('[AUTH-1] nothing is opened or denied, and the socket has to come back later', async () => {
    keyed.hear(token('t'), 10)
    checks[0]!.end(nobodyKnows)
    await turn()
    expect([said, opened, comeBack]).toEqual([[], [], ['CALLBACK_FAILED']])
  })

  test('[AUTH-2] a document that is open stays open with the former grant', async () => {
    keyed.hear(token('t'), 10)
    checks[0]!.end(everybody)
    await turn()
    keyed.hear(token('newer'), 10)
    checks[1]!.end(nobodyKnows)
    await turn()
    expect([said, comeBack, opened[0]!.hasLeft]).toEqual([['read-write'], [], false])
  })
})

test('[AUTH-2] what changes in a grant is told: less access, more of it, and that it ends soon', async () => {
  hear(token('t'), step1)
  await end(0, allowed('u1'))
  opened[0]!.setAccess('read')
  opened[0]!.setAccess('write')
  opened[0]!.endsSoon()
  expect(said).toEqual(['read-write', 'readonly', 'read-write', 'token-request'])
})

test.each(['closed', 'lost'] as const)('one that is %s leaves its room so, once', async how => {
  hear(token('t'), step1)
  await end(0, everybody)
  keyed.leave(how)
  keyed.leave('closed')
  hear(edit(1))
  expect([place.left, edits(), keyed.isOpen]).toEqual([[how], [], false])
})
