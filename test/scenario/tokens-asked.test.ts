/**
 * Keys that stand at a URL, and an application that is asked: what is refused while they rotate, refuse, fail or say nothing, against
 * real servers.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Arrival, arrive, somePage } from '../support/arrival.ts'
import { asJwk, ecKeys, rsaKeys } from '../support/auth-stage.ts'
import { type JsonServer, startJsonServer } from '../support/json-server.ts'
import { docs, liveToken, withToken } from '../support/live-tokens.ts'
import { operatorOf } from '../support/operator.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const [former, next] = [rsaKeys(), ecKeys()]
const formerJwk = asJwk(former.publicKey, { kid: 'former', alg: 'RS256', use: 'sig' })
const nextJwk = asJwk(next.publicKey, { kid: 'next', alg: 'ES256', use: 'sig' })
const formerToken = () => liveToken({}, { alg: 'RS256', kid: 'former', key: former.privateKey })
const nextToken = () => liveToken({}, { alg: 'ES256', kid: 'next', key: next.privateKey })

/** Keys are read again at most every five seconds, and somebody may wait for that. */
const answerMsMax = 30_000

let application: JsonServer
let server: ServerProcess
afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  await application?.close()
})

async function asProgram(token: string, document = 'plan'): Promise<Arrival> {
  return arrive(server.wsUrl, withToken(document, token))
}

async function asPage(token: string, document = 'plan'): Promise<Arrival> {
  return arrive(server.wsUrl, withToken(document, token), { origin: somePage })
}

/** Nobody was let in, so nothing may be there: no room, no session, no document. */
async function nothingWasOpened(): Promise<void> {
  expect(server.logs.filter(({ msg }) => msg === 'room opened' || msg === 'session opened')).toEqual([])
  await using operator = await operatorOf(server.dataFolder)
  expect(await operator.ask('docs', 'list')).toEqual([])
}

describe('a key set at a URL', () => {
  beforeEach(async () => {
    application = await startJsonServer({ body: { keys: [formerJwk] } })
    server = await startServer({ env: { SYNCLINE_AUTH_JWKS_URL: application.url } })
    await waitUntil('the first reading', () => application.requests.length > 0)
  })

  test('[AUTH-1] a key that nobody knows is refused by name in both forms, also with the public key as a secret', {
    timeout: 4 * answerMsMax,
  }, async () => {
    const [program, page, confused] = await Promise.all([
      asProgram(await nextToken()),
      asPage(await nextToken()),
      asPage(await liveToken({}, { kid: 'former', key: Buffer.from(JSON.stringify(formerJwk)) })),
    ])
    expect(program).toMatchObject({ told: 'http', status: 401, code: 'TOKEN_KEY_UNKNOWN' })
    expect(page).toMatchObject({ told: 'close', code: 4401, frames: 0 })
    expect('reason' in page && page.reason).toContain('names a key (kid)')
    expect(confused).toMatchObject({ told: 'close', code: 4401, frames: 0 })
    expect('reason' in confused && confused.reason).toContain('another algorithm')
    // However many came with it, the set was read once more.
    expect(application.requests).toHaveLength(2)
    await nothingWasOpened()
  })

  test('[AUTH-1] a rotated key is picked up, and the one that was taken out is refused from then on', {
    timeout: 4 * answerMsMax,
  }, async () => {
    expect(await asProgram(await formerToken())).toEqual({ told: 'welcome' })
    application.answer = { body: { keys: [nextJwk] } }
    expect(await asPage(await nextToken())).toEqual({ told: 'welcome' })
    const taken = await Promise.all([asPage(await formerToken()), asProgram(await formerToken())])
    expect(taken).toMatchObject([
      { told: 'close', code: 4401 },
      { told: 'http', status: 401, code: 'TOKEN_KEY_UNKNOWN' },
    ])
  })

  test('[AUTH-1] while the keys cannot be read, known ones go on to count, and who brings another is told to come back', {
    timeout: 4 * answerMsMax,
  }, async () => {
    await application.close()
    const [program, page] = await Promise.all([asProgram(await nextToken()), asPage(await nextToken())])
    expect(program).toMatchObject({ told: 'http', status: 503, code: 'KEYS_UNAVAILABLE' })
    // 1013 lets a stock client come back.
    expect(page).toMatchObject({ told: 'close', code: 1013, frames: 0 })
    expect('reason' in page && page.reason).toContain('cannot be checked')
    await nothingWasOpened()
    expect(await asPage(await formerToken())).toEqual({ told: 'welcome' })
  })
})

describe('an application that is asked', () => {
  const claims = { sub: 'u1', name: 'Ada', docs: docs('read', 'plan') }

  beforeEach(async () => {
    application = await startJsonServer({ body: claims })
    server = await startServer({
      env: { SYNCLINE_AUTH_CALLBACK_URL: application.url, SYNCLINE_AUTH_CALLBACK_TIMEOUT_MS: '300' },
    })
  })

  test('[AUTH-1] who it knows is let in to what it says, and to nothing else', async () => {
    expect(await asPage('cookie-of-the-app')).toEqual({ told: 'welcome' })
    expect(JSON.parse(application.requests[0]!.body)).toMatchObject({
      document: 'plan',
      token: 'cookie-of-the-app',
      origin: somePage,
    })
    const elsewhere = await asPage('cookie-of-the-app', 'diary')
    expect(elsewhere).toMatchObject({ told: 'close', code: 4403, frames: 0 })
    expect('reason' in elsewhere && elsewhere.reason).toContain('does not cover this document')
  })

  test.each([
    {
      what: 'refuses',
      answer: { status: 403 },
      code: 'CALLBACK_REFUSED',
      status: 401,
      close: 4401,
      says: 'does not know who this is',
    },
    {
      what: 'says null',
      answer: { body: null },
      code: 'CALLBACK_REFUSED',
      status: 401,
      close: 4401,
      says: 'does not know who this is',
    },
    {
      what: 'fails',
      answer: { status: 500 },
      code: 'CALLBACK_FAILED',
      status: 503,
      close: 1013,
      says: 'it answered 500',
    },
    {
      what: 'says what cannot be understood',
      answer: { body: { docs: 'all' } },
      code: 'CALLBACK_FAILED',
      status: 503,
      close: 1013,
      says: 'docs',
    },
    {
      what: 'does not answer in time',
      answer: null,
      code: 'CALLBACK_FAILED',
      status: 503,
      close: 1013,
      says: '300 ms',
    },
  ])(
    '[AUTH-1] nobody is let in where it $what: $code, in both forms',
    async ({ answer, code, status, close, says }) => {
      application.answer = answer
      const program = await asProgram('one-session')
      expect(program).toMatchObject({ told: 'http', status, code })
      expect('detail' in program && program.detail).toContain(says)
      const page = await asPage('another-session')
      expect(page).toMatchObject({ told: 'close', code: close, frames: 0 })
      expect('reason' in page && page.reason).toContain(says)
      expect(application.requests.length).toBeGreaterThan(0)
      await nothingWasOpened()
      expect(JSON.stringify(server.logs)).not.toMatch(/one-session|another-session/)
    },
  )

  test('[AUTH-1] nobody is let in where nobody listens', async () => {
    await application.close()
    expect(await asProgram('one-session')).toMatchObject({ status: 503, code: 'CALLBACK_FAILED' })
    expect(await asPage('another-session')).toMatchObject({ told: 'close', code: 1013 })
    await nothingWasOpened()
  })
})
