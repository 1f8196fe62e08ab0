/**
 * Readers that do not keep up: skipped, brought up to date by what they lack, and let go when that is in vain [SLOW-1].
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { author } from '../../support/room-author.ts'
import { turn } from '../../support/room-clock.ts'
import type { TestMember } from '../../support/room-member.ts'
import { openStage, type RoomStage, say } from '../../support/room-stage.ts'

const mib = 1024 * 1024

interface Reading extends RoomStage {
  readonly reader: TestMember
  /** What the reader has, of all that it was sent. */
  readonly has: Y.Doc
  write(change: (text: Y.Text) => void): Promise<void>
  readonly written: Y.Doc
}

async function startReading(): Promise<Reading> {
  const stage = await openStage()
  const [writer, reader] = [await stage.join('writer'), await stage.join('reader')]
  const { doc } = author(7)
  doc.on('update', update => stage.room.receive(writer, say.update(update)))
  const has = new Y.Doc()
  reader.onSend = message => {
    if ('update' in message) Y.applyUpdate(has, message.update)
  }
  const write = async (change: (text: Y.Text) => void) => {
    change(doc.getText('text'))
    await turn()
  }
  return { ...stage, reader, has, write, written: doc }
}

const text = (doc: Y.Doc) => doc.getText('text').toString()

describe('[SLOW-1] a member in whose socket more than 1 MiB waits', () => {
  test('[SLOW-1] is sent nothing more, and what it missed as one difference once its socket has taken the rest', async () => {
    const { reader, has, write, written, eventsNamed } = await startReading()
    await write(target => target.insert(0, 'before '))
    reader.news()
    reader.waitingBytes = mib + 1
    for (let i = 0; i < 20; i++) await write(target => target.insert(0, `${i} `))
    await write(target => target.delete(0, 3))
    expect(reader.sent).toEqual([])
    expect(text(has)).toBe('before ')
    expect(eventsNamed('memberLagged')).toMatchObject([{ member: 'reader', waitingBytes: mib + 1 }])
    reader.take()
    await turn()
    expect(reader.kinds()).toEqual(['update'])
    expect(Y.encodeStateAsUpdate(has)).toEqual(Y.encodeStateAsUpdate(load(written)))
    await write(target => target.insert(0, 'and on '))
    expect(reader.kinds()).toEqual(['update', 'update'])
    expect(text(has)).toBe(text(written))
  })

  test('[SYNC-3] and that asks for everything meanwhile is asked once in return, since it counts its answer once', async () => {
    const { room, reader, write, has, written } = await startReading()
    reader.wantsStatus = true
    await write(target => target.insert(0, 'hello'))
    reader.waitingBytes = mib + 1
    await write(target => target.insert(0, 'missed '))
    reader.news()
    room.receive(reader, { kind: 'sync-step-1', vector: Y.encodeStateVector(has) })
    reader.take()
    await turn()
    expect(reader.kinds()).toEqual(['sync-step-2', 'sync-step-1'])
    expect(text(has)).toBe(text(written))
  })

  test('[SLOW-1] is told deletes too that it missed alone', async () => {
    const { reader, has, write, written } = await startReading()
    await write(target => target.insert(0, 'hello'))
    reader.waitingBytes = mib + 1
    await write(target => target.delete(1, 2))
    reader.take()
    await turn()
    expect(text(has)).toBe(text(written))
  })

  test('[SLOW-1] is closed as too slow if its socket takes nothing for 15 s', async () => {
    const { reader, write, clock } = await startReading()
    reader.waitingBytes = mib + 1
    await write(target => target.insert(0, 'hello'))
    clock.advance(14_999)
    expect(reader.closed).toBe(null)
    clock.advance(1)
    expect(reader.closed?.code).toBe(closeCodes.tooSlow)
  })

  test('[SLOW-1] again and again soon after it was brought up to date is closed as too slow', async () => {
    const { reader, write, clock } = await startReading()
    const fallBehind = async () => {
      reader.waitingBytes = mib + 1
      await write(target => target.insert(0, 'x'))
    }
    for (let time = 1; time <= 3; time++) {
      await fallBehind()
      expect(reader.closed).toBe(null)
      reader.take()
      await turn()
      clock.advance(10_000)
    }
    await fallBehind()
    expect(reader.closed?.code).toBe(closeCodes.tooSlow)
  })

  test('[SLOW-1] now and then is brought up to date each time', async () => {
    const { reader, has, write, written, clock } = await startReading()
    for (let time = 1; time <= 10; time++) {
      reader.waitingBytes = mib + 1
      await write(target => target.insert(0, `${time} `))
      reader.take()
      await turn()
      clock.advance(31_000)
    }
    expect(reader.closed).toBe(null)
    expect(text(has)).toBe(text(written))
  })

  test('holds up nobody else', async () => {
    const { reader, join, write, written } = await startReading()
    const other = await join('other')
    other.news()
    reader.waitingBytes = 100 * mib
    await write(target => target.insert(0, 'hello'))
    expect(other.kinds()).toEqual(['update'])
    expect(text(written)).toBe('hello')
  })

  test('that asks for the document meanwhile is answered, and is up to date then', async () => {
    const { room, reader, has, write, written } = await startReading()
    reader.waitingBytes = mib + 1
    await write(target => target.insert(0, 'hello'))
    room.receive(reader, { kind: 'sync-step-1', vector: Y.encodeStateVector(has) })
    await turn()
    reader.take()
    await turn()
    expect(text(has)).toBe('hello')
    await write(target => target.insert(0, 'on '))
    expect(text(has)).toBe(text(written))
  })
})

describe('presence', () => {
  test('[SLOW-1] is what a slow reader is not told first', async () => {
    const { room, reader, write } = await startReading()
    const awareness = Uint8Array.of(1, 7, 1, 2, ...Buffer.from('{}'))
    reader.news()
    reader.waitingBytes = 64 * 1024 + 1
    room.receive(reader, { kind: 'awareness', awareness })
    await turn()
    expect(reader.sent).toEqual([])
    await write(target => target.insert(0, 'hello'))
    expect(reader.kinds()).toEqual(['update'])
  })
})

function load(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}
