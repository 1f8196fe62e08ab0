import { type Arrival, WindowQueue } from '@syncline/server/internal/room/window-queue'
import { describe, expect, test } from 'vitest'

const kib = 1024

function arrival(bytes: number, onSaved?: () => void): Arrival {
  const content = { update: new Uint8Array(bytes), structs: new Map(), deletes: new Map() }
  return { kind: 'new', ...content, cut: false, author: 'somebody', ...(onSaved && { onSaved }) }
}

function queueOf(...sizes: readonly number[]): WindowQueue {
  const queue = new WindowQueue()
  for (const bytes of sizes) queue.push(arrival(bytes))
  return queue
}

const sizes = (windows: readonly (readonly Arrival[])[]) =>
  windows.map(window => window.map(({ update }) => update.byteLength))

describe('a window', () => {
  test('holds at most 64 updates', () => {
    const windows = queueOf(...Array.from({ length: 130 }, () => 1)).takeWindows(10)
    expect(windows.map(window => window.length)).toEqual([64, 64, 2])
  })

  test('holds at most 256 KiB', () => {
    const queue = queueOf(100 * kib, 100 * kib, 56 * kib, 1, 255 * kib)
    expect(sizes(queue.takeWindows(10))).toEqual([
      [100 * kib, 100 * kib, 56 * kib],
      [1, 255 * kib],
    ])
  })

  test('of more than 256 KiB is one update that travels alone, in its turn', () => {
    const queue = queueOf(1, 300 * kib, 2)
    expect(sizes(queue.takeWindows(10))).toEqual([[1], [300 * kib], [2]])
  })

  test('is left for later when enough are taken', () => {
    const queue = queueOf(300 * kib, 300 * kib, 300 * kib)
    expect(queue.takeWindows(2)).toHaveLength(2)
    expect(queue.isEmpty).toBe(false)
    expect(queue.takeWindows(2)).toHaveLength(1)
    expect(queue.isEmpty).toBe(true)
  })
})

describe('bytes', () => {
  test('are counted until they are saved, those in flight included', () => {
    const queue = queueOf(10, 20)
    const [window] = queue.takeWindows(1)
    queue.push(arrival(5))
    expect(queue.bytes).toBe(35)
    queue.commit(window!)
    expect(queue.bytes).toBe(5)
  })
})

describe('[LOG-1] whenSaved', () => {
  test('[LOG-1] calls at once when nothing waits', () => {
    const called: string[] = []
    const queue = new WindowQueue()
    queue.whenSaved(() => called.push('empty'))
    queue.push(arrival(1))
    queue.commit(queue.takeWindows(1).flat())
    queue.whenSaved(() => called.push('saved'))
    expect(called).toEqual(['empty', 'saved'])
  })

  test('[LOG-1] waits for what is open and for what is in flight, and for nothing later', () => {
    const called: string[] = []
    const queue = queueOf(1)
    const inFlight = queue.takeWindows(1).flat()
    queue.whenSaved(() => called.push('the one in flight'))
    queue.push(arrival(1))
    queue.whenSaved(() => called.push('the open one'))
    expect(called).toEqual([])
    queue.commit(inFlight)
    expect(called).toEqual(['the one in flight'])
    const next = queue.takeWindows(1).flat()
    queue.push(arrival(1))
    queue.commit(next)
    expect(called).toEqual(['the one in flight', 'the open one'])
  })

  test('[LOG-1] comes in the order of arrival, after the acknowledgements of the window itself', () => {
    const called: string[] = []
    const queue = new WindowQueue()
    queue.push(arrival(1, () => called.push('first of the window')))
    queue.whenSaved(() => called.push('asked after the first'))
    queue.push(arrival(1, () => called.push('second of the window')))
    queue.whenSaved(() => called.push('asked after the second'))
    queue.commit(queue.takeWindows(1).flat())
    expect(called).toEqual([
      'first of the window',
      'second of the window',
      'asked after the first',
      'asked after the second',
    ])
  })
})
