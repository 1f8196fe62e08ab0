import { decodeEntry, type StoredEntry } from './entry.ts'
import { decodeLacks, type FormerEpoch } from './former-epoch.ts'
import { sealedAt } from './redis-base.ts'
import { entryChecksum, unseal } from './redis-checksum.ts'
import type { RedisCommands, RedisValue } from './redis-commands.ts'
import { baseKey, keysOf, namesKey } from './redis-keys.ts'
import { loadScript, pieceScript, positionScript, readScript } from './redis-scripts.ts'
import { type Base, type Head, type ListedDocument, LogDamage, type Position } from './update-log.ts'

/**
 * Reads documents from Redis, and finds out what is not as it was written.
 */
const namesPerRead = 500
const notAsWritten = 'is not what was written: its checksum differs'

export async function readPosition(commands: RedisCommands, document: string): Promise<Position> {
  const { log, meta } = keysOf(document)
  const [epoch, seq, link, generation] = await commands.run(positionScript, [log, meta])
  return {
    epoch: epoch === null ? null : String(epoch),
    end: { seq, link: hexOf(link) },
    generation: generation === null ? null : Number(generation),
  }
}

/** As `list` of the contract. The index may name documents that are not there. */
export async function readList(
  commands: RedisCommands,
  after: string | null,
  limit: number,
): Promise<ListedDocument[]> {
  const listed: ListedDocument[] = []
  let start: RedisValue = after === null ? '-' : Buffer.from(`(${after}`)
  while (listed.length < limit) {
    const count = Math.min(namesPerRead, limit - listed.length)
    const names: Buffer[] = await commands.send('zrangebylex', namesKey, start, '+', 'LIMIT', 0, count)
    if (names.length === 0) break
    const found = await Promise.all(names.map(name => readListed(commands, String(name))))
    listed.push(...found.filter(document => document !== null))
    start = Buffer.from(`(${names.at(-1)}`)
  }
  return listed
}

/** Null for a document that is not there. */
async function readListed(commands: RedisCommands, document: string): Promise<ListedDocument | null> {
  const { log, meta } = keysOf(document)
  const [epoch, seq, link, , baseBytes, tailEntries] = await commands.run(positionScript, [log, meta])
  if (epoch === null) return null
  const end = { seq, link: hexOf(link) }
  return { document, epoch: String(epoch), end, baseBytes: Number(baseBytes ?? 0), tailEntries }
}

export async function readHead(commands: RedisCommands, document: string): Promise<Head> {
  const { log, meta, former, channel } = keysOf(document)
  const reply = await commands.run(loadScript, [log, meta, former, channel])
  const [epoch, seq, link, formerEpochs, numbers, content] = reply
  return {
    epoch: epoch === null ? null : String(epoch),
    end: { seq, link: hexOf(link) },
    base: readBase(document, numbers, content),
    formerEpochs: readFormer(document, formerEpochs),
  }
}

function readBase(
  document: string,
  numbers: readonly (Buffer | null)[],
  content: readonly (Buffer | null)[],
): Base | null {
  const [generation, through, link, pieces, bytes] = numbers
  if (!generation) return null
  const key = baseKey(keysOf(document), Number(generation))
  const [byteVector, documentVector, catchUp] = ['byteVector', 'documentVector', 'catchUp'].map((field, i) =>
    unseal(sealedAt(key, field), content[i] ?? Buffer.alloc(0)),
  )
  if (!link || !byteVector || !documentVector || !catchUp)
    throw new LogDamage(document, { kind: 'base' }, notAsWritten)
  return {
    generation: Number(generation),
    through: Number(through),
    link: hexOf(link),
    pieces: Number(pieces),
    bytes: Number(bytes),
    byteVector,
    documentVector,
    catchUp,
  }
}

/** Epoch and what it had, in turn. */
function readFormer(document: string, stored: readonly Buffer[]): FormerEpoch[] {
  const formerEpochs: FormerEpoch[] = []
  for (let i = 0; i + 1 < stored.length; i += 2) {
    const lacks = unseal(keysOf(document).former, stored[i + 1]!)
    if (lacks === null) throw new LogDamage(document, { kind: 'document' }, notAsWritten)
    try {
      formerEpochs.push({ epoch: String(stored[i]), ...decodeLacks(lacks) })
    } catch (cause) {
      const found = `names a former epoch that cannot be read: ${(cause as Error).message}`
      throw new LogDamage(document, { kind: 'document' }, found, { cause })
    }
  }
  return formerEpochs
}

/** As `readEntries` of the contract. Before a missing entry it stops, and asked for what follows it names the missing ones. */
export async function readEntries(
  commands: RedisCommands,
  document: string,
  { after, bytesMax }: { readonly after: number; readonly bytesMax: number },
): Promise<StoredEntry[]> {
  const { log, meta, channel } = keysOf(document)
  const [through, ...stored] = await commands.run(readScript, [log, meta], [after, bytesMax])
  const entries: StoredEntry[] = []
  for (let i = 0; i + 4 < stored.length; i += 5) {
    const [seq, link, previousLink, checksum, body] = stored.slice(i, i + 5) as StoredFields
    const expected = (entries.at(-1)?.seq ?? Math.max(after, through)) + 1
    if (seq !== expected && entries.length > 0) break
    const part = { kind: 'entries', from: expected, to: seq - 1 } as const
    if (seq !== expected) throw new LogDamage(document, part, `missing: entry ${seq} comes next`)
    if (!entryChecksum(channel, link, body).equals(checksum))
      throw new LogDamage(document, { ...part, to: seq }, notAsWritten)
    entries.push(decode(document, body, { seq, link: hexOf(link), previousLink: hexOf(previousLink) }))
  }
  return entries
}

type StoredFields = [seq: number, link: Buffer, previousLink: Buffer, checksum: Buffer, body: Buffer]

function decode(
  document: string,
  body: Buffer,
  { seq, link, previousLink }: Pick<StoredEntry, 'seq' | 'link' | 'previousLink'>,
): StoredEntry {
  try {
    return decodeEntry(new Uint8Array(body), seq, link, previousLink)
  } catch (cause) {
    const part = { kind: 'entries', from: seq, to: seq } as const
    throw new LogDamage(document, part, `cannot be read: ${(cause as Error).message}`, { cause })
  }
}

export async function readPiece(
  commands: RedisCommands,
  document: string,
  { generation, piece }: { readonly generation: number; readonly piece: number },
): Promise<Uint8Array | 'gone'> {
  const keys = keysOf(document)
  const reply = await commands.run(pieceScript, [keys.meta, keys.channel], [generation, piece])
  if (reply.length === 0) return 'gone'
  const [sealed] = reply
  if (sealed === null) throw new Error(`the base of generation ${generation} has no piece ${piece}`)
  const bytes = unseal(sealedAt(baseKey(keys, generation), String(piece)), sealed)
  if (bytes === null) throw new LogDamage(document, { kind: 'piece', piece }, notAsWritten)
  return bytes
}

function hexOf(link: Buffer): string {
  return link.toString('hex')
}
