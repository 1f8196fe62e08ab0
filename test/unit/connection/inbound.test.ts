import { Inbound, type InboundSink } from '@syncline/server/internal/connection/inbound'
import type { Message } from '@syncline/shared/wire/message'
import { beforeEach, describe, expect, test } from 'vitest'
import { turn } from '../../support/room-clock.ts'

const limits = { waitingMessagesMax: 4, waitingMessageBytesMax: 100 }

let delivered: number[]
let troubles: string[]
/** Messages whose work ends only when it is called. */
let working: Map<number, { end(): void; fail(): void }>
let slow: Set<number>
let inbound: Inbound
beforeEach(() => {
  delivered = []
  troubles = []
  working = new Map()
  slow = new Set()
  const sink: InboundSink = {
    deliver(message) {
      const number = numberOf(message)
      delivered.push(number)
      if (number === 99) throw new Error('a fault of ours')
      if (!slow.has(number)) return
      return new Promise<void>((end, reject) =>
        working.set(number, { end, fail: () => reject(new Error('the worker died')) }),
      )
    },
    overflow: limit => troubles.push(limit),
    failed: reason => troubles.push(reason),
    relieved: () => {},
  }
  inbound = new Inbound(limits, sink)
})

const message = (number: number): Message => ({ kind: 'saved', token: Uint8Array.of(number) })
const numberOf = (given: Message) => (given.kind === 'saved' ? given.token[0]! : -1)
const take = (...numbers: number[]) => {
  for (const number of numbers) inbound.take(message(number), 1)
}

describe('messages', () => {
  test('wait for the room, and are delivered in order when it is open', () => {
    take(1, 2, 3)
    expect(delivered).toEqual([])
    inbound.open()
    expect(delivered).toEqual([1, 2, 3])
    take(4)
    expect(delivered).toEqual([1, 2, 3, 4])
  })

  test('wait for an earlier one that is being worked on', async () => {
    slow.add(2)
    inbound.open()
    take(1, 2, 3, 4)
    expect(delivered).toEqual([1, 2])
    working.get(2)!.end()
    await turn()
    expect(delivered).toEqual([1, 2, 3, 4])
  })

  test('that waited wait again when one of them is being worked on', async () => {
    slow.add(1).add(2)
    inbound.open()
    take(1, 2, 3)
    working.get(1)!.end()
    await turn()
    take(4)
    expect(delivered).toEqual([1, 2])
    working.get(2)!.end()
    await turn()
    expect(delivered).toEqual([1, 2, 3, 4])
  })

  test('are not delivered any more when the connection has ended', async () => {
    slow.add(1)
    inbound.open()
    take(1, 2)
    inbound.clear()
    working.get(1)!.end()
    await turn()
    expect(delivered).toEqual([1])
  })

  test('whose work fails are told by their reason, and the next is delivered', async () => {
    slow.add(1)
    inbound.open()
    take(1, 2)
    working.get(1)!.fail()
    await turn()
    expect(troubles).toEqual(['the worker died'])
    expect(delivered).toEqual([1, 2])
  })

  test('that make us throw are told by the reason, and the process goes on', () => {
    inbound.open()
    expect(() => take(99)).not.toThrow()
    expect(troubles).toEqual(['a fault of ours'])
    take(1)
    expect(delivered).toEqual([99, 1])
  })
})

describe('[LIM-1 opening-frames] what waits is bounded', () => {
  test('[LIM-1 opening-frames] by number, and the socket is not read from half of that on', () => {
    take(1, 2)
    expect(inbound.isCrowded).toBe(false)
    take(3)
    expect(inbound.isCrowded).toBe(true)
    take(4)
    expect(troubles).toEqual([])
    take(5)
    expect(troubles).toEqual(['limitOpeningFrames'])
  })

  test('[LIM-1 opening-bytes] by bytes', () => {
    inbound.take(message(1), 50)
    expect(inbound.isCrowded).toBe(false)
    inbound.take(message(2), 50)
    expect(inbound.isCrowded).toBe(true)
    expect(troubles).toEqual([])
    inbound.take(message(3), 1)
    expect(troubles).toEqual(['limitOpeningBytes'])
  })

  test('and is crowded no more when it was delivered', () => {
    take(1, 2, 3, 4)
    inbound.open()
    expect(inbound.isCrowded).toBe(false)
  })
})
