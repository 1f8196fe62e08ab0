import { DocumentBusy } from '@syncline/server/internal/room/closed-documents'
import { Rooms } from '@syncline/server/internal/room/rooms'
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test, vi } from 'vitest'
import { load, textOf, typed } from '../../support/room-author.ts'
import { turn, turnsUntil } from '../../support/room-clock.ts'
import { TestMember } from '../../support/room-member.ts'
import {
  createStage,
  documentName,
  type StageOptions,
  say,
  workersInProcess,
} from '../../support/room-stage.ts'

const idleMs = 30_000

function stageWithRooms(options: StageOptions = {}, roomsMax = 3) {
  const stage = createStage(options)
  const rooms = new Rooms(stage.services, { roomsMax, idleMs })
  const open = async (document = documentName) => {
    const opening = rooms.open(document)
    if (opening === 'full') throw new Error('full')
    return opening
  }
  return { ...stage, rooms, open }
}

describe('opening', () => {
  test('however many ask at the same moment, the document is loaded once', async () => {
    const { open, eventsNamed } = stageWithRooms()
    const opened = await Promise.all([open(), open(), open()])
    expect(new Set(opened).size).toBe(1)
    expect(await open()).toBe(opened[0])
    expect(eventsNamed('roomOpened')).toMatchObject([{ document: documentName, entries: 0 }])
  })

  test('any name is a document of its own', async () => {
    const { open } = stageWithRooms({}, 10)
    const names = ['__proto__', 'constructor', 'toString', '', 'a/b', 'ä', 'a\u0308']
    const opened = await Promise.all(names.map(name => open(name)))
    expect(new Set(opened).size).toBe(names.length)
    expect(opened.map(room => room.document)).toEqual(names)
  })

  test('[LIM-1 rooms] above the limit the next document is refused, and one that is open is not', async () => {
    const { rooms, open } = stageWithRooms({}, 2)
    await Promise.all([open('one'), open('two')])
    expect(rooms.open('three')).toBe('full')
    expect((await open('two')).document).toBe('two')
  })

  test('[SYNC-1] what cannot be read is not served, and is read anew at the next try', async () => {
    const { log, open, rooms, eventsNamed } = stageWithRooms()
    const { load: readHead } = log
    log.load = async () => {
      throw new Error('the disk is gone')
    }
    await expect(open()).rejects.toThrow('the disk is gone')
    expect(rooms.size).toBe(0)
    expect(eventsNamed('roomFailed')).toMatchObject([{ document: documentName, during: 'load' }])
    log.load = readHead
    expect((await open()).document).toBe(documentName)
  })

  test('one that loads slowly holds up no other', async () => {
    const { log, open } = stageWithRooms()
    const { load: readHead } = log
    log.load = document => (document === 'slow' ? new Promise(() => {}) : readHead(document))
    void open('slow')
    expect((await open('quick')).document).toBe('quick')
  })

  test('[LOG-4] a room that was let go is opened with everything that was committed', async () => {
    const { open, rooms, clock } = stageWithRooms()
    const first = await open()
    const writer = new TestMember('writer')
    first.enter(writer)
    for (const update of typed(7, 'one ', 'two ')) first.receive(writer, say.update(update))
    await turn()
    first.leave(writer, 'closed')
    clock.advance(40_000)
    expect(rooms.size).toBe(0)
    const second = await open()
    expect(second).not.toBe(first)
    expect(second.end).toEqual(first.end)
    const reader = new TestMember('reader')
    second.enter(reader)
    second.receive(reader, { kind: 'sync-step-1', vector: Uint8Array.of(0) })
    await turn()
    expect(textOf(load(reader.documentFrames()))).toBe('two one ')
  })
})

describe('a room', () => {
  test('is let go when nobody has been in it for the idle time', async () => {
    const { open, rooms, clock, eventsNamed } = stageWithRooms()
    const room = await open()
    const member = new TestMember('member')
    room.enter(member)
    clock.advance(10 * idleMs)
    expect(rooms.size).toBe(1)
    room.leave(member, 'closed')
    clock.advance(idleMs - 5_000)
    expect(rooms.size).toBe(1)
    clock.advance(5_000)
    expect(rooms.size).toBe(0)
    expect(eventsNamed('roomClosed')).toEqual([{ name: 'roomClosed', document: documentName }])
  })

  test('that is asked for is not let go before who asked has had the time to enter', async () => {
    const { open, rooms, clock } = stageWithRooms()
    await open()
    clock.advance(idleMs - 1_000)
    await open()
    clock.advance(idleMs - 5_000)
    expect(rooms.size).toBe(1)
  })

  test('[LOG-1] is not let go while something waits for the store', async () => {
    const { open, rooms, log, clock } = stageWithRooms()
    const room = await open()
    const writer = new TestMember('writer')
    room.enter(writer)
    log.hold()
    room.receive(writer, say.update(typed(7, 'hello')[0]!))
    room.leave(writer, 'lost')
    clock.advance(10 * idleMs)
    expect(rooms.size).toBe(1)
    expect(rooms.isBusy).toBe(true)
    log.release()
    await turn()
    expect(rooms.isBusy).toBe(false)
    clock.advance(idleMs + 5_000)
    expect(rooms.size).toBe(0)
  })

  /** A second room would be opened beside it, and would not know what this one still appends. */
  test('[SYNC-1] is not let go while the worker has a large update of somebody who has left', async () => {
    let inspected = () => {}
    const { open, rooms, log, clock } = stageWithRooms({
      workers: {
        async inspect(...task) {
          await new Promise<void>(resolve => {
            inspected = resolve
          })
          return workersInProcess.inspect(...task)
        },
      },
    })
    const room = await open()
    const writer = new TestMember('writer')
    room.enter(writer)
    void room.receive(writer, say.update(typed(7, 'x'.repeat(300_000))[0]!))
    room.leave(writer, 'lost')
    clock.advance(10 * idleMs)
    expect(await open()).toBe(room)
    inspected()
    // And then its compaction, since it is large.
    await turnsUntil('the room to be at rest', () => !rooms.isBusy)
    expect(log.appended).toHaveLength(1)
  })

  test('that has failed is not found any more: who comes back gets one that is loaded anew', async () => {
    const { open, log } = stageWithRooms()
    const room = await open()
    const writer = new TestMember('writer')
    room.enter(writer)
    log.refuse(new Error('an entry of this size fits in no store'))
    room.receive(writer, say.update(typed(7, 'hello')[0]!))
    await turn()
    expect(writer.closed?.code).toBe(closeCodes.overload)
    const next = await open()
    expect(next).not.toBe(room)
    const back = new TestMember('back')
    next.enter(back)
    next.receive(back, say.syncStep2(typed(7, 'hello')[0]!))
    await turn()
    expect(log.appended).toHaveLength(1)
  })
})

describe('closing', () => {
  test('[OPS-1] tells everybody in every room to come back, and ticks no more', async () => {
    const { open, rooms, clock } = stageWithRooms()
    const members = await Promise.all(
      ['one', 'two'].map(async document => {
        const member = new TestMember(document)
        ;(await open(document)).enter(member)
        return member
      }),
    )
    rooms.close()
    expect(members.map(member => member.closed?.code)).toEqual([closeCodes.restart, closeCodes.restart])
    expect(clock.timers).toBe(0)
  })
})

describe('a document that is changed as a whole', () => {
  test('[LOG-3] has nobody in it meanwhile: who was there comes back, who comes waits, and finds it changed', async () => {
    const { rooms, open, log } = stageWithRooms()
    const [room, member] = [await open(), new TestMember('one')]
    room.enter(member)
    const order: string[] = []
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const changed = rooms.alone(documentName, async () => {
      order.push('work begins')
      await released
      await log.append(documentName, 0, [])
      order.push('work ends')
    })
    await turnsUntil('the work to begin', () => order.length === 1)
    expect(member.closed).toMatchObject({ code: closeCodes.restart })
    const reopened = open().then(later => {
      order.push('opened')
      return later
    })
    expect(rooms.isBusy).toBe(true)
    release()
    await changed
    expect(await reopened).not.toBe(room)
    expect(order).toEqual(['work begins', 'work ends', 'opened'])
    expect(rooms.isBusy).toBe(false)
  })

  test('is changed once everything that was brought is saved, and nobody enters the room that was', async () => {
    const { rooms, open, log, clock } = stageWithRooms()
    const [room, member] = [await open(), new TestMember('one')]
    room.enter(member)
    log.hold()
    room.receive(member, say.update(typed(1, 'brought')[0]!))
    const changed = rooms.alone(documentName, async () => log.appended.length)
    const late = new TestMember('late')
    await turnsUntil('the member to be told', () => member.closed !== null)
    room.enter(late)
    expect(late.closed).toMatchObject({ code: closeCodes.overload })
    log.release()
    await turnsUntil('the edit to be saved', () => log.appended.length === 1)
    clock.advance(10)
    expect(await changed).toBe(1)
  })

  test('stays as it is, and closed, while the store does not take what was brought', async () => {
    const { rooms, open, log, clock } = stageWithRooms()
    const [room, member] = [await open(), new TestMember('one')]
    room.enter(member)
    log.hold()
    room.receive(member, say.update(typed(1, 'brought')[0]!))
    const work = vi.fn()
    const changed = rooms.alone(documentName, work)
    const refused = expect(changed).rejects.toThrow(DocumentBusy)
    const reopened = open()
    for (let i = 0; i < 1_100; i++) {
      await turn()
      clock.advance(10)
    }
    await refused
    expect(work).not.toHaveBeenCalled()
    expect(rooms.isBusy).toBe(true)
    log.release()
    await turnsUntil('the edit to be saved', () => log.appended.length === 1)
    clock.advance(10)
    expect(await reopened).not.toBe(room)
  })

  test('is changed by one at a time, also when one of them fails', async () => {
    const { rooms } = stageWithRooms()
    const order: number[] = []
    const work = (number: number) =>
      rooms.alone(documentName, async () => {
        order.push(number)
        await turn()
        order.push(number)
        if (number === 1) throw new Error('planted')
      })
    const outcomes = await Promise.allSettled([work(1), work(2), work(3)])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(order).toEqual([1, 1, 2, 2, 3, 3])
  })
})
