import { createContents } from '@syncline/server/internal/store/disk-content'
import type { RequestOf } from '@syncline/server/internal/store/disk-requests'
import { openStoreFile } from '@syncline/server/internal/store/disk-schema'
import { createWaiting, waitingAppend } from '@syncline/server/internal/store/disk-waiting'
import { describe, expect, test } from 'vitest'

const KiB = 1024
let lastId = 0

function append(document: string, ...sizes: number[]) {
  const entries = sizes.map(size => ({ body: new Uint8Array(size), instance: 'i', nonce: '00' }))
  lastId += 1
  return waitingAppend({ id: lastId, kind: 'append', document, since: 0, entries, history: undefined })
}

function remove(document: string) {
  lastId += 1
  return { kind: 'delete', request: { id: lastId, kind: 'delete', document } } as const
}

function base(document: string) {
  lastId += 1
  const request = { id: lastId, kind: 'replace', document } as RequestOf<'replace'>
  return { request, ahead: null, aheadDone: false }
}

const documents = (taken: { request: { document: string } }[]) => taken.map(({ request }) => request.document)

describe('waiting writes', () => {
  test('one transaction takes what waits in order, at most 1 MiB with a page for each append', () => {
    const waiting = createWaiting()
    for (let i = 0; i < 600; i++) waiting.push(append(`${i}`, 100))
    const taken = waiting.nextTransaction()
    expect(documents(taken)).toEqual(Array.from({ length: 249 }, (_, i) => `${i}`))
    waiting.done(taken)
    expect(waiting.nextTransaction()[0]!.request.document).toBe('249')
  })

  test('what is above 256 KiB in an append is written beforehand, and only that', () => {
    expect(append('a', 200 * KiB, 50 * KiB).large).toEqual([])
    const { large, inlineBytes } = append('a', 200 * KiB, 100 * KiB, 50 * KiB, 300 * KiB)
    expect(large.map(({ body }) => body.length)).toEqual([100 * KiB, 300 * KiB])
    expect(inlineBytes).toBe(250 * KiB)
  })

  test('a large append holds up its own document and no other', () => {
    const waiting = createWaiting()
    const large = append('a', 300 * KiB)
    for (const write of [append('a', 1), large, append('a', 1), append('b', 1)]) waiting.push(write)
    const taken = waiting.nextTransaction()
    expect(documents(taken)).toEqual(['a', 'b'])
    waiting.done(taken)
    expect(waiting.nextTransaction()).toEqual([])
    expect(waiting.nextLargeAppend()).toBe(large)
    large.aheadDone = true
    expect(documents(waiting.nextTransaction())).toEqual(['a', 'a'])
  })

  test('a deletion waits for what was asked before it, and what was asked after it waits for that', () => {
    const waiting = createWaiting()
    const before = append('a', 1)
    const swapping = base('a')
    const deletion = remove('a')
    const after = append('a', 1)
    const late = base('a')
    for (const write of [before, deletion, after]) waiting.push(write)
    for (const replacing of [swapping, late]) waiting.pushBase({ ...replacing, aheadDone: true })
    expect(waiting.nextTransaction()).toEqual([before])
    expect([waiting.nextDelete(), waiting.nextBase()]).toEqual([undefined, undefined])
    waiting.done([before])
    expect(waiting.nextDelete()).toBeUndefined()
    const next = waiting.nextBase()!
    expect(next.request).toBe(swapping.request)
    waiting.done([next])
    expect(waiting.nextBase()).toBeUndefined()
    expect(waiting.nextDelete()).toBe(deletion)
    expect(waiting.nextTransaction()).toEqual([])
    waiting.done([deletion])
    expect(waiting.nextTransaction()).toEqual([after])
    waiting.done([after])
    expect(waiting.nextBase()!.request).toBe(late.request)
  })

  test('after a failure large appends are written beforehand anew', () => {
    const contents = createContents(openStoreFile(':memory:'))
    const waiting = createWaiting()
    const large = append('a', 300 * KiB)
    waiting.push(large)
    large.ahead = contents.writeAhead(large.large.map(({ body }) => body))
    while (!large.ahead.step());
    large.aheadDone = true
    waiting.restartLargeAppends()
    expect(waiting.nextLargeAppend()).toBe(large)
    expect(large.ahead).toBeNull()
    expect(contents.sweep()).toBe(true)
  })
})
