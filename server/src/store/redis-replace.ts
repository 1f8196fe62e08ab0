import { encodeLacks } from './former-epoch.ts'
import { publicationHead } from './publication.ts'
import { draw8Bytes } from './random-bytes.ts'
import { discardBase, looseBaseMs, type WrittenBase, writeBase } from './redis-base.ts'
import { seal } from './redis-checksum.ts'
import { type RedisCommands, RedisTrouble } from './redis-commands.ts'
import { type DocumentKeys, keysOf, namesKey } from './redis-keys.ts'
import { readPosition } from './redis-read.ts'
import { deleteScript, renewScript, swapScript } from './redis-scripts.ts'
import type { ExpectedEnd, NewBase, NewContent, Renewed, Replaced } from './update-log.ts'

/**
 * Puts something else in the place of what a log in Redis has: a base under its entries, other content, or nothing.
 */

/** A day: longer than a room that has not heard of a deletion lives without its store. */
const deletedRememberedMs = 24 * 60 * 60 * 1000

const superseded = { ok: false, reason: 'superseded' } as const
const away = { ok: false, reason: 'away' } as const

export function createRedisReplacer(commands: RedisCommands, instance: string) {
  const baseReplaced = publicationHead('base-replaced', instance)
  const epochEnded = publicationHead('epoch-ended', instance)

  /** Writes a base, lets `putInPlace` have it, and takes it away again where that comes to nothing. */
  async function replaceWith<T extends { readonly ok: true }>(
    keys: DocumentKeys,
    base: Omit<NewBase, 'through' | 'link'>,
    putInPlace: (written: WrittenBase) => Promise<{ readonly answer: Buffer; readonly done: T }>,
  ): Promise<T | typeof superseded | typeof away> {
    let written: WrittenBase
    try {
      written = await writeBase(commands, keys, base)
    } catch (error) {
      if (error instanceof RedisTrouble) return away
      throw error
    }
    // failpoint: base-pieces-written
    const { answer, done } = await putInPlace(written)
    // failpoint: base-swapped
    if (String(answer) === 'ok') return done
    discardBase(commands, written.key)
    // Redis lost what had been written, with all its data perhaps.
    return String(answer) === 'lost' ? away : superseded
  }

  return {
    async base(document: string, expected: number | null, base: NewBase): Promise<Replaced> {
      if ((await readPosition(commands, document)).generation !== expected) return superseded
      const keys = keysOf(document)
      const link = base.link === undefined ? '' : Buffer.from(base.link, 'hex')
      return replaceWith(keys, base, async ({ generation, key, pieces, bytes }) => {
        const numbers = [expected ?? '', base.through, link, generation, pieces, bytes, looseBaseMs]
        const { log, meta, channel } = keys
        const answer = await commands.run(swapScript, [log, meta, channel, key], [...numbers, baseReplaced])
        return { answer, done: { ok: true, generation } as const }
      })
    },

    async document(document: string, expected: ExpectedEnd | null, content: NewContent): Promise<Renewed> {
      const keys = keysOf(document)
      const lacks = seal(keys.former, encodeLacks(content.lacks))
      const link = draw8Bytes()
      const epoch = draw8Bytes().toString('hex')
      const where =
        expected === null
          ? [0, '', '', '']
          : [1, expected.epoch ?? '', expected.seq, Buffer.from(expected.link, 'hex')]
      return replaceWith(keys, content, async ({ generation, key, pieces, bytes }) => {
        const { log, meta, channel, former } = keys
        await commands.send('zadd', namesKey, 0, document)
        const answer = await commands.run(
          renewScript,
          [log, meta, channel, key, former],
          [...where, epoch, link, generation, pieces, bytes, lacks, document, epochEnded],
        )
        await commands.send('zadd', namesKey, 0, document)
        return { answer, done: { ok: true, epoch, end: { seq: 1, link: link.toString('hex') } } as const }
      })
    },

    /**
     * Only of the epoch that is there now: sent a second time, it must not take what was made since. The name goes after the document,
     * and comes back where somebody made it again meanwhile.
     */
    async delete(document: string): Promise<void> {
      const { log, meta, channel, former, lease } = keysOf(document)
      const { epoch } = await readPosition(commands, document)
      if (epoch !== null) {
        const values = [epoch, deletedRememberedMs, epochEnded]
        await commands.run(deleteScript, [log, meta, channel, former, lease], values)
      }
      await commands.send('zrem', namesKey, document)
      const { epoch: madeAgain } = await readPosition(commands, document)
      if (madeAgain !== null) await commands.send('zadd', namesKey, 0, document)
    },
  }
}
