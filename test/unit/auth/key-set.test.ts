/**
 * Keys at a URL: rotated, gone, slow, wrong. Over a real HTTP server; time is moved.
 */
import type { AuthEvent } from '@syncline/server/internal/auth/auth-event'
import { createAuthenticator } from '@syncline/server/internal/auth/authenticator'
import { createMemoryRevocations } from '@syncline/server/internal/auth/memory-revocations'
import { openRevocations } from '@syncline/server/internal/auth/revocations'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { afterEach, describe, expect, test } from 'vitest'
import { applicant, asJwk, ecKeys, makeToken, nowSeconds, rsaKeys } from '../../support/auth-stage.ts'
import { type JsonServer, startJsonServer } from '../../support/json-server.ts'
import { TestClock } from '../../support/room-clock.ts'
import { waitUntil } from '../../support/wait-until.ts'

const [first, second] = [rsaKeys(), ecKeys()]
const firstJwk = asJwk(first.publicKey, { kid: 'k1', alg: 'RS256', use: 'sig' })
const secondJwk = asJwk(second.publicKey, { kid: 'k2' })
// Longer than what any of these tests lets pass.
const exp = nowSeconds + 20 * 86_400
const firstToken = () => makeToken({ exp }, { alg: 'RS256', kid: 'k1', key: first.privateKey })
const secondToken = () => makeToken({ exp }, { alg: 'ES256', kid: 'k2', key: second.privateKey })

const minuteMs = 60_000
const hourMs = 60 * minuteMs

let server: JsonServer
afterEach(() => server.close())

async function openDoor(keys: readonly object[] | null) {
  server = await startJsonServer(keys === null ? { status: 500 } : { body: { keys } })
  const clock = new TestClock()
  const events: AuthEvent[] = []
  const settings = settingsWith({ authJwksUrl: server.url })
  const revocations = await openRevocations({ list: createMemoryRevocations(), clock, settings })
  const authenticator = createAuthenticator(settings, {
    clock,
    revocations,
    onEvent: event => events.push(event),
  })!
  await waitUntil('the first reading', () => server.requests.length === 1)
  return {
    clock,
    events,
    async tryToOpen(token: string) {
      const checked = await authenticator.check(applicant(token))
      return checked.ok ? checked.grant.access : checked.refusal.code
    },
    /** Asks, and lets the pause between two readings pass as soon as somebody waits for its end. */
    async tryAfterPause(...tokens: string[]) {
      const timers = clock.timers
      let isAnswered = false
      const tried = Promise.all(tokens.map(token => this.tryToOpen(token))).finally(() => {
        isAnswered = true
      })
      await waitUntil('an answer, or the next reading', () => isAnswered || clock.timers > timers)
      clock.advance(5_000)
      return tried
    },
  }
}

describe('a key set', () => {
  test('has the keys that tokens name, and is read once', async () => {
    const door = await openDoor([firstJwk, secondJwk])
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    expect(await door.tryToOpen(await secondToken())).toBe('write')
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]).toMatchObject({ method: 'GET' })
    expect(door.events).toEqual([])
  })

  test('is read again when a token names a new key', async () => {
    const door = await openDoor([firstJwk])
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    server.answer = { body: { keys: [secondJwk] } }
    door.clock.advance(5_000)
    expect(await door.tryToOpen(await secondToken())).toBe('write')
    expect(await door.tryToOpen(await secondToken())).toBe('write')
    expect(server.requests).toHaveLength(2)
  })

  test('that lost a key refuses what is signed with it', async () => {
    const door = await openDoor([firstJwk])
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    server.answer = { body: { keys: [secondJwk] } }
    door.clock.advance(10 * minuteMs + 1)
    // Who comes first still counts by what is known, and has it read.
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    await waitUntil('the second reading', () => server.requests.length === 2)
    await waitUntil(
      'the key to be gone',
      async () => (await door.tryAfterPause(await firstToken()))[0] === 'TOKEN_KEY_UNKNOWN',
    )
  })

  test('is read once for a crowd with unknown keys, each of whom waits for it', async () => {
    const door = await openDoor([firstJwk])
    const strangers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        makeToken({ exp }, { alg: 'RS256', kid: `x${i}`, key: first.privateKey }),
      ),
    )
    server.answer = { body: { keys: [firstJwk, secondJwk] } }
    const codes = await door.tryAfterPause(...strangers, await secondToken())
    expect(new Set(codes.slice(0, 50))).toEqual(new Set(['TOKEN_KEY_UNKNOWN']))
    expect(codes[50]).toBe('write')
    expect(server.requests).toHaveLength(2)
  })

  test('that cannot be read any more goes on to count for a day', async () => {
    const door = await openDoor([firstJwk])
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    await server.close()
    door.clock.advance(23 * hourMs)
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    await waitUntil('the outage to be told', () => door.events.length === 1)
    expect(door.events).toEqual([
      { kind: 'away', part: 'keys', reason: 'it cannot be reached (ECONNREFUSED)' },
    ])
    expect(await door.tryAfterPause(await firstToken(), await secondToken())).toEqual([
      'write',
      'KEYS_UNAVAILABLE',
    ])
    door.clock.advance(hourMs)
    expect(await door.tryToOpen(await firstToken())).toBe('KEYS_UNAVAILABLE')
    expect(door.events).toHaveLength(1)
  })

  test('that could not be read lets nobody in, and everybody to come back, until it can', async () => {
    const door = await openDoor(null)
    expect(await door.tryAfterPause(await firstToken())).toEqual(['KEYS_UNAVAILABLE'])
    server.answer = { body: { keys: [firstJwk] } }
    expect(await door.tryAfterPause(await firstToken())).toEqual(['write'])
    expect(door.events).toEqual([
      { kind: 'away', part: 'keys', reason: 'it answered 500' },
      { kind: 'here', part: 'keys' },
    ])
  })

  test('that does not answer is given up', async () => {
    const door = await openDoor([firstJwk])
    server.answer = null
    door.clock.advance(5_000)
    const tried = door.tryToOpen(await secondToken())
    await waitUntil('the second reading', () => server.requests.length === 2)
    door.clock.advance(5_000)
    expect(await tried).toBe('KEYS_UNAVAILABLE')
    expect(door.events).toEqual([
      { kind: 'away', part: 'keys', reason: 'there was no answer within 5000 ms' },
    ])
  })

  test.each([
    ['no set', { body: { key: firstJwk } }, 'its answer is no set of at most 100 keys'],
    [
      'too many keys',
      { body: { keys: Array(101).fill(firstJwk) } },
      'its answer is no set of at most 100 keys',
    ],
    ['no JSON', { body: 'keys' }, 'its answer is not JSON'],
    ['too large', { body: ' '.repeat(256 * 1024 + 1) }, 'its answer has more than 262144 bytes'],
    ['elsewhere', { status: 302, headers: { Location: '/keys' } }, 'it answered 302'],
  ])('that is %s changes nothing', async (_, answer, reason) => {
    const door = await openDoor([firstJwk])
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    server.answer = answer
    door.clock.advance(5_000)
    expect(await door.tryToOpen(await secondToken())).toBe('KEYS_UNAVAILABLE')
    expect(await door.tryToOpen(await firstToken())).toBe('write')
    expect(door.events).toEqual([{ kind: 'away', part: 'keys', reason }])
  })

  test('takes a token that names no key if one of its keys fits', async () => {
    const others = Array.from({ length: 3 }, () => ecKeys())
    const door = await openDoor([...others.map(({ publicKey }) => asJwk(publicKey)), asJwk(second.publicKey)])
    expect(await door.tryToOpen(await makeToken({}, { alg: 'ES256', key: second.privateKey }))).toBe('write')
    expect(await door.tryToOpen(await makeToken({}, { alg: 'ES256', key: ecKeys().privateKey }))).toBe(
      'TOKEN_SIGNATURE_WRONG',
    )
  })

  test('[AUTH-1] lets nobody sign with what is in it, or with a key that is no public one', async () => {
    const k = Buffer.from('a secret in a key set that all can read').toString('base64url')
    const door = await openDoor([
      firstJwk,
      { kty: 'oct', k, kid: 'k3' },
      asJwk(first.privateKey, { kid: 'k4' }),
    ])
    const withSecret = await makeToken({}, { kid: 'k3', key: Buffer.from(k, 'base64url') })
    expect(await door.tryToOpen(withSecret)).toBe('TOKEN_ALGORITHM_NOT_ALLOWED')
    const withPublic = await makeToken({}, { kid: 'k1', key: Buffer.from(JSON.stringify(firstJwk)) })
    expect(await door.tryToOpen(withPublic)).toBe('TOKEN_ALGORITHM_NOT_ALLOWED')
    const withPrivate = await makeToken({}, { alg: 'RS256', kid: 'k4', key: first.privateKey })
    expect(await door.tryToOpen(withPrivate)).toBe('TOKEN_KEY_UNKNOWN')
  })
})
