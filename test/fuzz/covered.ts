/**
 * The in-process fuzzing once more, as a program of Node's own test runner, which counts the branches it takes (`coverage.ts`).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentNameFromPath } from '@syncline/shared/document-name'
import { decodeHocuspocus, hocuspocusCodec } from '@syncline/shared/wire/hocuspocus'
import type { Message } from '@syncline/shared/wire/message'
import { yWebsocket } from '@syncline/shared/wire/y-websocket'
import { applicant, goodClaims, openDoor, secret } from '../support/auth-stage.ts'
import { testSeed } from '../support/counts.ts'
import { attackRoom, roomOf } from './attacked-room.ts'
import { frameBatches } from './frame-cases.ts'
import { honestClients } from './honest-person.ts'
import { requestCases } from './http-cases.ts'
import { Dice } from './mutate.ts'
import { passedUpdates, wrongNames, wrongPieces } from './rewriting.ts'
import { tokenCase } from './token-cases.ts'

const seed = testSeed()
const frames = 6_000
const tokens = 3_000
const names = 1_000
const rewritings = 2_000
const nameBytesMax = 512

test(`${frames} hostile frames, seed ${seed}`, async () => {
  const forged = (batch: number) => (roomOf(batch) === 'vouched' ? honestClients : [])
  let number = 0
  for (const batch of frameBatches({ seed, count: frames, casesPerBatch: 40, key: () => 'doc', forged })) {
    const outcome = await attackRoom(batch, roomOf(number++))
    assert.deepEqual([outcome.thrown, outcome.faults, outcome.failed], [[], [], false])
  }
})

test(`${tokens} hostile tokens, seed ${seed}`, async () => {
  const door = await openDoor({ authSecret: secret })
  const issuer = { alg: 'HS256', key: Buffer.from(secret), publicText: 'public', claims: goodClaims }
  const dice = new Dice(seed)
  for (let at = 0; at < tokens; at++) {
    const { token } = await tokenCase(issuer, dice)
    await door.authenticator.check(applicant(token))
  }
})

test(`${names} hostile names, seed ${seed}`, () => {
  for (const { bytes } of requestCases(new Dice(seed), names, { writer: 'w', admin: 'a' }, 'a%20document')) {
    const [, target = ''] = Buffer.from(bytes).toString().split(' ')
    const name = documentNameFromPath(target, nameBytesMax)
    assert.ok(!name.ok || Buffer.byteLength(name.name) <= nameBytesMax)
  }
})

test(`${rewritings} hostile updates in pieces and under other ids, seed ${seed}`, () => {
  for (const one of passedUpdates(seed, rewritings, new Dice(seed)))
    assert.deepEqual([wrongPieces(one, 200), wrongNames(one)], [null, null])
})

test('what a server says in each framing, and what it cannot', () => {
  const awareness = Uint8Array.of(0)
  const update = Uint8Array.of(0, 0)
  const messages: readonly Message[] = [
    { kind: 'sync-step-1', vector: Uint8Array.of(0) },
    { kind: 'sync-step-2', update },
    { kind: 'update', update },
    { kind: 'awareness', awareness },
    { kind: 'query-awareness' },
    { kind: 'permission-denied', reason: 'no' },
    { kind: 'token', token: 'a' },
    { kind: 'token-request' },
    { kind: 'authenticated', mayWrite: true },
    { kind: 'authenticated', mayWrite: false },
    { kind: 'stateless', payload: 'a' },
    { kind: 'close' },
    { kind: 'status', saved: true },
    { kind: 'status', saved: false },
    { kind: 'saved', token: Uint8Array.of(1) },
  ]
  const codec = hocuspocusCodec('doc')
  const said = (encode: (message: Message) => Uint8Array) =>
    messages.filter(message => {
      try {
        return encode(message).length > 0
      } catch {
        return false
      }
    })
  const both = ['sync-step-1', 'sync-step-2', 'update', 'awareness', 'query-awareness', 'permission-denied']
  const kinds = (encode: (message: Message) => Uint8Array) => new Set(said(encode).map(({ kind }) => kind))
  assert.deepEqual([...kinds(yWebsocket.encode)], [...both, 'saved'])
  const ofProviders = ['token-request', 'authenticated', 'stateless', 'status']
  assert.deepEqual([...kinds(codec.encode)], [...both, ...ofProviders])
  for (const byte of [9, 10]) decodeHocuspocus(Uint8Array.of(byte), nameBytesMax)
})
