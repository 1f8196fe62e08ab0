/**
 * Hostile tokens at a server process, in the query and in a header: a program and a page are told over the socket what the door says about
 * the same token in process, nobody who is refused is sent a frame, and honest people in the document go on.
 *
 * `SYNCLINE_TEST_FUZZ_TOKEN_SOCKETS` is how many, `SYNCLINE_TEST_SEED` which.
 */
import type { Authenticator } from '@syncline/server/internal/auth/authenticator'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { expect, test } from 'vitest'
import { type Arrival, arrive, somePage } from '../support/arrival.ts'
import { applicant, goodClaims, nowSeconds, openDoor, secret } from '../support/auth-stage.ts'
import { count, testSeed } from '../support/counts.ts'
import { docs, liveToken, secondsFromNow, secretEnv, withToken } from '../support/live-tokens.ts'
import { startServer } from '../support/server-process.ts'
import { HonestRoom } from './honest-room.ts'
import { Markers } from './markers.ts'
import { Dice } from './mutate.ts'
import { type TokenCase, tokenCase } from './token-cases.ts'

const cases = count('FUZZ_TOKEN_SOCKETS', 200)
const seed = testSeed()
const casesPerBatch = 100
/** Of the same user, who may have five in a document. */
const atOnce = 2
/** Node refuses a request whose head is longer than 16 KiB, before anybody looks for a token in it. */
const queryBytesMax = 12_000
const document = 'doc'
const ours = { iss: 'https://app.example', aud: 'syncline' }
const errorLevel = 50

/** They hold by the clock of this machine, as the server's, and by that of the door in process. */
const claims = {
  ...goodClaims,
  ...ours,
  iat: Math.min(nowSeconds, secondsFromNow(-5)),
  exp: Math.max(nowSeconds, secondsFromNow(0)) + 3_600,
}

/** What is not made of visible ASCII fits into a query alone. */
function placeOf(
  token: string,
  number: number,
): { readonly path: string; readonly headers: Record<string, string> } {
  const isVisible = /^[\x21-\x7e]+$/.test(token)
  return isVisible && number % 3 === 0
    ? { path: document, headers: { authorization: `Bearer ${token}` } }
    : { path: withToken(document, encodeURIComponent(token)), headers: {} }
}

/** What the door says, in the form that a program or a page can read. */
function expectedOf(checked: Awaited<ReturnType<Authenticator['check']>>, isPage: boolean): string {
  if (checked.ok) return 'let in'
  const { code } = checked.refusal
  if (code === 'DOCUMENT_NOT_GRANTED') return `closed with ${closeCodes.notAllowed.code}`
  return isPage ? `closed with ${closeCodes.notAuthenticated.code}` : `401 ${code}`
}

/** As it is told in either form; the names of refusals are told over HTTP alone. */
function told(arrival: Arrival): string {
  switch (arrival.told) {
    case 'welcome':
      return 'let in'
    case 'http':
      return `${arrival.status} ${arrival.code}`
    case 'close':
      return arrival.frames === 0 ? `closed with ${arrival.code}` : 'sent a frame, and closed'
  }
}

test(`[AUTH-1] a server says of ${cases} hostile tokens what its door says, seed ${seed}`, {
  timeout: 120_000 + cases * 100,
}, async () => {
  const env = {
    ...secretEnv,
    SYNCLINE_AUTH_ISSUER: ours.iss,
    SYNCLINE_AUTH_AUDIENCE: ours.aud,
    LOG_LEVEL: 'trace',
  }
  await using server = await startServer({ args: ['--store', 'memory'], env })
  const door = await openDoor({
    authSecret: secret,
    authIssuer: ours.iss,
    authAudience: ours.aud,
    authClockToleranceMs: 0,
  })
  const markers = new Markers(seed)
  using people = await HonestRoom.open(
    {
      wsUrl: server.wsUrl,
      document,
      token: sub => liveToken({ ...ours, sub, docs: docs('write') }),
      onBytes: markers.inspector(document),
    },
    markers.of(document),
  )
  const issuer = { alg: 'HS256', key: Buffer.from(secret), publicText: 'syncline', claims }
  const dice = new Dice(seed)
  const wrongs: string[] = []
  const heard = new Set<string>()
  const tried = new Set<string>([''])
  const attempt = async ({ token, how }: TokenCase, number: number) => {
    const { path, headers } = placeOf(token, number)
    const isPage = number % 2 === 0
    const [arrival, checked] = await Promise.all([
      arrive(server.wsUrl, path, { headers, ...(isPage ? { origin: somePage } : {}) }),
      door.authenticator.check(applicant(token, { document })),
    ])
    const is = told(arrival)
    heard.add(is)
    const expected = expectedOf(checked, isPage)
    if (is !== expected)
      wrongs.push(`case ${number}, ${how}: ${is} instead of ${expected}: ${path.slice(0, 2_000)}`)
  }
  for (let first = 0; first < cases; first += casesPerBatch) {
    const waiting: [number, TokenCase][] = []
    for (let number = first; number < Math.min(cases, first + casesPerBatch); number++) {
      const one = await tokenCase(issuer, dice)
      // Whoever comes again with the same waits for the answer, which is tested elsewhere and takes long.
      if (tried.has(one.token) || encodeURIComponent(one.token).length > queryBytesMax) continue
      tried.add(one.token)
      waiting.push([number, one])
    }
    const goOn = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await attempt(next[1], next[0])
    }
    await Promise.all(Array.from({ length: atOnce }, goOn))
    for (const probe of ['/healthz', '/readyz'])
      expect((await fetch(server.url + probe)).status, probe).toBe(200)
    await people.exchange('after ')
    await people.welcome()
  }
  expect(wrongs).toEqual([])
  expect(people.ends).toEqual([])
  expect(markers.strays).toEqual([])
  expect(server.logs.filter(({ level }) => level >= errorLevel)).toEqual([])
  const signatures = [...tried].flatMap(token => token.split('.')[2] ?? []).filter(isTelling)
  const logs = JSON.stringify(server.logs)
  expect(signatures.filter(signature => logs.includes(signature))).toEqual([])
  // Otherwise they are too coarse: all would be told the same.
  expect([...heard]).toEqual(
    expect.arrayContaining([
      'let in',
      '401 TOKEN_SIGNATURE_WRONG',
      '401 TOKEN_CLAIMS_INVALID',
      'closed with 4401',
    ]),
  )
})

const tellingLengthMin = 12
const isTelling = (part: string) => part.length >= tellingLengthMin
