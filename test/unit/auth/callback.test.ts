/**
 * The application that is asked who somebody is: over a real HTTP server, and as a function where the server is embedded.
 */

import { Answers } from '@syncline/server/internal/auth/answers'
import type { AuthEvent } from '@syncline/server/internal/auth/auth-event'
import type { Authenticate, Question } from '@syncline/server/internal/auth/callback'
import type { ClaimsGiven } from '@syncline/server/internal/auth/claims'
import { afterEach, describe, expect, test } from 'vitest'
import { applicant, nowSeconds, openDoor, secret } from '../../support/auth-stage.ts'
import { type JsonServer, startJsonServer } from '../../support/json-server.ts'
import { TestClock, turn } from '../../support/room-clock.ts'
import { waitUntil } from '../../support/wait-until.ts'

const claims: ClaimsGiven = { sub: 'u1', name: 'Ada', docs: [{ name: 'doc', access: 'write' }] }

describe('a callback URL', () => {
  let app: JsonServer
  afterEach(() => app.close())
  const open = async (answer: JsonServer['answer'], settings: object = {}) => {
    app = await startJsonServer(answer)
    return openDoor({ authCallbackUrl: app.url, ...settings })
  }

  test('is asked who wants what, and grants what it answers', async () => {
    const door = await open({ body: claims })
    const address = { address: '10.0.0.7', counted: '10.0.0.7', isLocal: false }
    const who = applicant('sesame', { origin: 'https://app.example', address })
    expect(await door.authenticator.check(who)).toEqual({
      ok: true,
      grant: {
        access: 'write',
        granted: 'write',
        user: { id: 'u1', name: 'Ada', color: null },
        tokenId: null,
        issuedMs: null,
        endsMs: door.clock.now() + 31 * 86_400_000,
      },
    })
    expect(app.requests).toMatchObject([{ method: 'POST', headers: { 'content-type': 'application/json' } }])
    expect(JSON.parse(app.requests[0]!.body)).toEqual({
      document: 'doc',
      token: 'sesame',
      origin: 'https://app.example',
      address: '10.0.0.7',
    })
  })

  test('gets the chosen headers, and no others', async () => {
    const door = await open({ body: claims }, { authCallbackHeaders: 'X-Tenant, x-forwarded-proto' })
    await door.tryToOpen(null, {
      headers: { 'x-tenant': 'blue', authorization: 'Bearer x', cookie: 'sid=1' },
    })
    const { headers } = app.requests[0]!
    expect(headers['x-tenant']).toBe('blue')
    expect(headers).not.toHaveProperty('cookie')
    expect(headers).not.toHaveProperty('authorization')
    expect(headers).not.toHaveProperty('x-forwarded-proto')
  })

  test('gets cookies from pages of listed origins alone', async () => {
    const door = await open(
      { body: claims },
      { authCallbackHeaders: 'cookie', authCallbackCookieOrigins: 'https://app.example' },
    )
    const origins = [
      'https://app.example',
      'https://app.example.evil.example',
      'http://app.example',
      null,
      'null',
    ]
    for (const origin of origins) await door.tryToOpen(null, { origin, headers: { cookie: 'sid=1' } })
    expect(app.requests.map(({ headers }) => headers.cookie)).toEqual([
      'sid=1',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  test.each([
    ['401', { status: 401 }],
    ['403', { status: 403, body: claims }],
    ['404', { status: 404 }],
    ['null', { body: null }],
  ])('that answers %s refuses for good', async (_, answer) => {
    const door = await open(answer)
    expect(await door.tryToOpen('sesame')).toBe('CALLBACK_REFUSED')
  })

  test.each([
    ['500', { status: 500 }, 'it answered 500'],
    ['a redirect', { status: 302, headers: { Location: '/elsewhere' } }, 'it answered 302'],
    ['no JSON', { body: 'yes' }, 'its answer is not JSON'],
    ['too much', { body: ' '.repeat(16 * 1024 + 1) }, 'its answer has more than 16384 bytes'],
    [
      'other claims',
      { body: { docs: [{ name: 'a', access: 'all' }] } },
      'its answer cannot be used: docs.0.access',
    ],
    ['a word', { body: '"yes"' }, 'its answer cannot be used: '],
  ])(
    'that answers with %s has failed: nobody is let in, and all may come back',
    async (_, answer, reason) => {
      const door = await open(answer)
      const checked = await door.authenticator.check(applicant('sesame'))
      expect(checked).toMatchObject({ ok: false, refusal: { code: 'CALLBACK_FAILED' } })
      if (checked.ok) return
      expect(checked.refusal.message).toContain(reason)
      expect(checked.refusal.entry).toMatchObject({ status: 503, retry: true, close: { code: 1013 } })
    },
  )

  test('that nobody listens at has failed', async () => {
    const door = await open({ body: claims })
    await app.close()
    expect(await door.tryToOpen('sesame')).toBe('CALLBACK_FAILED')
  })

  test('that does not answer in time has failed', async () => {
    const door = await open(null, { authCallbackTimeoutMs: 700 })
    const tried = door.tryToOpen('sesame')
    await waitUntil('the question', () => app.requests.length === 1)
    door.clock.advance(700)
    expect(await tried).toBe('CALLBACK_FAILED')
  })

  test('is not asked about a token that is too long to be one', async () => {
    const door = await open({ body: claims })
    expect(await door.tryToOpen('a'.repeat(8_193))).toBe('TOKEN_MALFORMED')
    expect(app.requests).toEqual([])
  })

  test('[AUTH-2] cannot let in whom it says is over, or who was revoked', async () => {
    const door = await open({ body: { ...claims, exp: nowSeconds + 60 } }, { authCallbackCacheMs: 600_000 })
    expect(await door.tryToOpen('sesame')).toBe('write')
    await door.revocations.revoke({ user: 'u1', token: null, document: null, access: 'none' })
    expect(await door.tryToOpen('sesame')).toBe('GRANT_REVOKED')
    await door.revocations.revoke({ user: 'u1', token: null, document: null, access: 'admin' })
    expect(await door.tryToOpen('sesame')).toBe('write')
    door.clock.advance(65_000)
    expect(await door.tryToOpen('sesame')).toBe('TOKEN_EXPIRED')
    expect(app.requests).toHaveLength(1)
  })
})

describe('a function', () => {
  test('is asked in place of a URL', async () => {
    const asked: Question[] = []
    const authenticate: Authenticate = async question => {
      asked.push(question)
      return question.token === 'sesame' ? claims : null
    }
    const door = await openDoor({ authCallbackHeaders: 'x-tenant' }, { authenticate })
    expect(await door.tryToOpen('sesame', { headers: { 'x-tenant': 'blue', via: 'x' } })).toBe('write')
    expect(await door.tryToOpen('mumble')).toBe('CALLBACK_REFUSED')
    expect(asked[0]).toEqual({
      document: 'doc',
      token: 'sesame',
      origin: null,
      address: '127.0.0.1',
      headers: { 'x-tenant': 'blue' },
    })
  })

  test('that throws, at once or later, has failed', async () => {
    for (const authenticate of [
      () => {
        throw new Error('no database')
      },
      () => Promise.reject('a word'),
    ]) {
      expect(await (await openDoor({}, { authenticate })).tryToOpen(null)).toBe('CALLBACK_FAILED')
    }
  })

  test('that never answers is told that nobody waits', async () => {
    let told: AbortSignal | null = null
    const door = await openDoor(
      {},
      {
        authenticate(_, { signal }) {
          told = signal
          return new Promise(() => {})
        },
      },
    )
    const tried = door.tryToOpen(null)
    await waitUntil('the question', () => told !== null)
    door.clock.advance(5_000)
    expect(await tried).toBe('CALLBACK_FAILED')
    expect(told!).toMatchObject({ aborted: true })
  })

  test('beside a secret is refused: only one of them says who somebody is', async () => {
    const opening = openDoor({ authSecret: secret }, { authenticate: async () => claims })
    await expect(opening).rejects.toMatchObject({ code: 'SETTING_INVALID' })
  })
})

describe('answers', () => {
  const question = (token: string): Question => ({
    document: 'doc',
    token,
    origin: null,
    address: '127.0.0.1',
    headers: {},
  })
  /** `decide` is what the application says each time that it is asked. */
  function makeAnswers(decide: (asked: number) => Promise<ClaimsGiven | null>, cacheMs = 10_000) {
    const clock = new TestClock()
    const events: AuthEvent[] = []
    let asked = 0
    const answers = new Answers({
      authenticate: () => decide(++asked),
      clock,
      timeoutMs: 1_000,
      cacheMs,
      onEvent: event => events.push(event),
    })
    const ask = (token = 'a', counted: string | null = null) =>
      answers.ask(question(token), { counted: counted ?? '127.0.0.1', isLocal: counted === null })
    return { clock, events, answers, asked: () => asked, ask }
  }

  test('count for the stated time, for the same question', async () => {
    const { clock, ask, asked } = makeAnswers(async () => claims)
    for (let i = 0; i < 3; i++) expect(await ask()).toMatchObject({ ok: true })
    expect(asked()).toBe(1)
    await ask('b')
    expect(asked()).toBe(2)
    clock.advance(9_999)
    await ask()
    expect(asked()).toBe(2)
    clock.advance(1)
    await ask()
    expect(asked()).toBe(3)
  })

  test('are not kept where the time is nothing', async () => {
    const { ask, asked } = makeAnswers(async () => claims, 0)
    await ask()
    await ask()
    expect(asked()).toBe(2)
  })

  test('are shared by all who ask meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<ClaimsGiven>()
    const { ask, asked } = makeAnswers(() => promise, 0)
    const crowd = Promise.all(Array.from({ length: 100 }, () => ask()))
    resolve(claims)
    expect(new Set((await crowd).map(({ ok }) => ok))).toEqual(new Set([true]))
    expect(asked()).toBe(1)
  })

  test('that refuse are kept for a moment, failures not at all', async () => {
    const { clock, ask, asked, events } = makeAnswers(async times => {
      if (times === 2) throw new Error('no database')
      return times === 1 ? null : claims
    })
    expect(await ask()).toMatchObject({ refusal: { code: 'CALLBACK_REFUSED' } })
    clock.advance(1_999)
    expect(await ask()).toMatchObject({ refusal: { code: 'CALLBACK_REFUSED' } })
    clock.advance(1)
    expect(await ask()).toMatchObject({ refusal: { code: 'CALLBACK_FAILED' } })
    expect(await ask()).toMatchObject({ ok: true })
    expect(asked()).toBe(3)
    expect(events).toEqual([
      { kind: 'away', part: 'callback', reason: 'no database' },
      { kind: 'here', part: 'callback' },
    ])
  })

  test('are bounded: the oldest are forgotten, and too many questions at once are refused', async () => {
    const { ask, asked } = makeAnswers(async () => claims)
    for (let i = 0; i <= 4_096; i++) await ask(`t${i}`)
    await ask('t4096')
    expect(asked()).toBe(4_097)
    await ask('t0')
    expect(asked()).toBe(4_098)

    const never = makeAnswers(() => new Promise(() => {}))
    for (let i = 0; i < 2_000; i++) void never.ask(`t${i}`)
    expect(await never.ask('one more')).toMatchObject({ refusal: { code: 'CALLBACK_FAILED' } })
    expect(never.asked()).toBe(2_000)
  })

  test('are asked for so often at once about one address, so that who invents tokens does not keep others out', async () => {
    const { clock, ask, asked } = makeAnswers(times =>
      times === 251 ? Promise.resolve(claims) : new Promise(() => {}),
    )
    for (let i = 0; i < 250; i++) void ask(`invented ${i}`, '203.0.113.7')
    const refused = await ask('one more', '203.0.113.7')
    expect(refused).toMatchObject({ refusal: { code: 'CALLBACK_FAILED' } })
    expect(refused.ok ? '' : refused.refusal.message).toContain('250 questions about this address')
    expect(await ask('honest', '198.51.100.1')).toMatchObject({ ok: true })
    // Those that were not answered in time have given their places back.
    clock.advance(1_000)
    await turn()
    void ask('later', '203.0.113.7')
    await turn()
    expect(asked()).toBe(252)
  })
})

test('nothing that is set makes no door', async () => {
  await expect(openDoor({})).rejects.toThrow('no door')
})
