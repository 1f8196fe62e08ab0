import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { Clock } from '../foundation/clock.ts'
import { checkBaseSize } from './base-size.ts'
import type { StoredBody, StoredHead } from './disk-requests.ts'
import { documentKey } from './document-key.ts'
import { encodeAppend } from './encode-append.ts'
import { decodeEntry, type StoredEntry } from './entry.ts'
import { lockFolder } from './folder-lock.ts'
import { decodeLacks, encodeLacks } from './former-epoch.ts'
import { draw8Bytes } from './random-bytes.ts'
import type { StoreEvent } from './store-event.ts'
import { type StoreThread, startStoreThread } from './store-thread.ts'
import { type Head, LogDamage, type NewBase, type UpdateLog } from './update-log.ts'

/**
 * The log on disk: one SQLite file in a folder that belongs to this process.
 *
 * This is the main thread's side of the contract: it checks and encodes what goes over to the store thread, and decodes what
 * comes back. Carrying it over is `store-thread.ts`'s, doing it `disk-thread.ts`'s.
 */
export interface DiskLogOptions {
  /** Made if it does not exist. */
  readonly folder: string
  readonly clock: Clock
  /** Who holds the folder, for people who wonder. */
  readonly instance?: string
  readonly onEvent?: (event: StoreEvent) => void
  /** How long the store thread may not answer before it counts as away. */
  readonly graceMs?: number
}

const graceMsDefault = 2_000

export const storeFileName = 'syncline.sqlite'

/** Opens the store in a folder, and makes it if there is none. Rejects with a `StoreOpenError`. */
export async function openDiskLog(options: DiskLogOptions): Promise<UpdateLog> {
  const { clock, instance = randomUUID(), onEvent = () => {}, graceMs = graceMsDefault } = options
  const folder = resolve(options.folder)
  const lock = lockFolder(folder, { instance, nowMs: clock.now() })
  try {
    const thread = await startStoreThread({ file: join(folder, storeFileName), clock, onEvent, graceMs })
    return createDiskLog(thread, lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

function createDiskLog(thread: StoreThread, release: () => void): UpdateLog {
  return {
    async load(document) {
      documentKey(document)
      return decodeHead(document, await thread.ask('load', { document }))
    },
    async position(document) {
      const { epoch, end, base } = await this.load(document)
      return { epoch, end, generation: base?.generation ?? null }
    },
    // The only process that writes here.
    claimCompaction: async () => () => {},
    async readEntries(document, after, bytesMax) {
      documentKey(document)
      const stored = await thread.ask('read', { document, after, bytesMax })
      return stored.map(body => decode(document, body))
    },
    async readPiece(document, generation, piece) {
      documentKey(document)
      return thread.ask('piece', { document, generation, piece })
    },
    async append(document, since, entries, history) {
      documentKey(document)
      return thread.ask('append', { document, since, entries: encodeAppend(entries), history })
    },
    async replaceBase(document, expected, base) {
      documentKey(document)
      const nonce = draw8Bytes().toString('hex')
      return thread.ask('replace', { document, expected, base: prepareBase(base), nonce })
    },
    async replaceDocument(document, expected, content) {
      documentKey(document)
      const { through: _, ...parts } = prepareBase({ ...content, through: 0 })
      const nonce = draw8Bytes().toString('hex')
      const stored = { ...parts, lacks: encodeLacks(content.lacks) }
      return thread.ask('renew', { document, expected, content: stored, nonce })
    },
    async dropGeneration(document, generation) {
      documentKey(document)
      await thread.ask('drop', { document, generation })
    },
    async list(after, limit) {
      if (after !== null) documentKey(after)
      return thread.ask('list', { after, limit })
    },
    async delete(document) {
      documentKey(document)
      await thread.ask('delete', { document })
    },
    async backup(file, onProgress) {
      await thread.ask('backup', { file: resolve(file) }, onProgress)
    },
    savedMeans: 'flushed to the disk',
    get health() {
      return thread.health.now
    },
    onHealth: listener => thread.health.onChange(listener),
    async close() {
      // A thread that hangs in the middle of a write may still finish it: then the lock goes with the process.
      if (await thread.close()) release()
    },
  }
}

function prepareBase(base: NewBase): NewBase {
  checkBaseSize(base)
  return {
    ...base,
    pieces: base.pieces.map(alone),
    byteVector: alone(base.byteVector),
    documentVector: alone(base.documentVector),
    catchUp: alone(base.catchUp),
  }
}

/** Bytes with a buffer of their own: a view takes the whole buffer behind it along to the other thread. Not by `slice`, which makes a view of a `Buffer`. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

function decode(document: string, { body, seq, link, previousLink }: StoredBody): StoredEntry {
  try {
    return decodeEntry(body, seq, link, previousLink)
  } catch (cause) {
    const part = { kind: 'entries', from: seq, to: seq } as const
    throw new LogDamage(document, part, `cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function decodeHead(document: string, head: StoredHead): Head {
  try {
    const formerEpochs = head.formerEpochs.map(({ epoch, lacks }) => ({ epoch, ...decodeLacks(lacks) }))
    return { ...head, formerEpochs }
  } catch (cause) {
    const found = `names a former epoch that cannot be read: ${(cause as Error).message}`
    throw new LogDamage(document, { kind: 'document' }, found, { cause })
  }
}
