import type { EntryBody } from './encode-append.ts'
import { originBytes } from './entry.ts'
import { publicationHead } from './publication.ts'
import { draw8Bytes } from './random-bytes.ts'
import { entryChecksum } from './redis-checksum.ts'
import type { RedisCommands, RedisValue } from './redis-commands.ts'
import { type DocumentKeys, keysOf, namesKey } from './redis-keys.ts'
import type { DocumentOrder } from './redis-order.ts'
import { appendScript } from './redis-scripts.ts'
import { type Appended, type End, type History, HistoryRewritten, LogRefusal } from './update-log.ts'

/**
 * Appends to a log in Redis.
 *
 * The first append of a document makes it, and takes its name into the index before and after: before, so that a crash in
 * between leaves a name too many and never one too few; after, because a deletion may have taken the first one away.
 */
export interface RedisAppend {
  readonly since: number
  readonly bodies: readonly EntryBody[]
  readonly history: History | undefined
}

/** Larger appends are not published with their content: whoever needs it reads it, and nobody else has to take it. */
const publishedBytesMax = 64 * 1024

export interface AppenderOptions {
  readonly commands: RedisCommands
  readonly order: DocumentOrder
  /** 16 hex digits: who publishes. */
  readonly instance: string
}

export function createRedisAppender({ commands, order, instance }: AppenderOptions) {
  const carrying = publicationHead('entries', instance)
  const telling = publicationHead('appended', instance)

  return async function append(document: string, appended: RedisAppend): Promise<Appended> {
    const keys = keysOf(document)
    const entries = encodeEntries(keys, appended)
    const answer = await appendWith(keys, appended, [...noNewDocument, ...entries])
    if (answer !== 'absent') return decode(document, answer)
    return order.turn(document, async () => {
      await commands.send('zadd', namesKey, 0, document)
      const newDocument = [draw8Bytes().toString('hex'), document]
      const answer = await appendWith(keys, appended, [...newDocument, ...entries])
      // Only a store that is being closed does not take it, and then it has nobody to tell.
      commands.send('zadd', namesKey, 0, document).catch(() => {})
      return decode(document, answer)
    })
  }

  /** `values` are those of the script from the epoch of a new document on. */
  async function appendWith(
    { log, meta, channel }: DocumentKeys,
    { since, bodies, history }: RedisAppend,
    values: readonly RedisValue[],
  ): Promise<Answer> {
    const known = history === undefined ? ['', ''] : [Buffer.from(history.link, 'hex'), history.epoch ?? '']
    const bytes = bodies.reduce((sum, { body }) => sum + body.length, 0)
    const publication = bytes <= publishedBytesMax ? [carrying, 1] : [telling, 0]
    const reply = await commands.run(
      appendScript,
      [log, meta, channel],
      [since, ...known, ...publication, ...values],
    )
    const [status, epoch, before, ...ends] = reply
    const answer = String(status)
    if (answer !== 'ok') return answer as Answer
    return { epoch: String(epoch), ends: readEnds(ends), previousLink: before.toString('hex') }
  }
}

const noNewDocument = ['', '']

function encodeEntries({ channel }: DocumentKeys, { bodies }: RedisAppend): RedisValue[] {
  return bodies.flatMap(entry => {
    const link = draw8Bytes()
    const checksum = entryChecksum(channel, link, entry.body)
    return [originBytes(entry), link, checksum, asBuffer(entry.body)]
  })
}

type Answer = Appended | 'absent' | 'deleted' | 'rewritten'

function decode(document: string, answer: Answer): Appended {
  const name = JSON.stringify(document)
  switch (answer) {
    case 'rewritten':
      throw new HistoryRewritten(`the log of ${name} is not the one that the append was to follow`)
    case 'deleted':
      throw new LogRefusal(`${name} was deleted, and what it was is not taken any more`)
    case 'absent':
      throw new Error(`${name} was not made`)
    default:
      return answer
  }
}

/** ioredis takes other arrays of bytes for lists. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Seq and link, in turn. */
function readEnds(values: readonly (number | Buffer)[]): End[] {
  const ends: End[] = []
  for (let i = 0; i + 1 < values.length; i += 2)
    ends.push({ seq: values[i] as number, link: (values[i + 1] as Buffer).toString('hex') })
  return ends
}
