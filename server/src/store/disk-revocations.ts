import { readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Revocation, readRevocation, targetOf } from '@syncline/shared/api/revocation'
import type { Clock } from '../foundation/clock.ts'
import { unusable } from './folder-lock.ts'
import { StoreOpenError } from './store-open-error.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * Revocations in a file of the data folder. Whoever opens it holds the folder's lock.
 *
 * They are few and seldom, so each change writes all of them into a new file, which then takes the former's place: what is
 * there is always one list as a whole. A damaged file is refused, because a server that started without it would let in
 * everybody whom it named.
 *
 * Format 1: {"format": 1, "checksum": CRC-32 of the JSON text of the list, "revocations": [...]}.
 */
interface Listener {
  changed(all: readonly Revocation[]): void
}

export const revocationsFileName = 'revocations.json'
const format = 1

/** Throws a `StoreOpenError`: REVOCATIONS_DAMAGED, STORE_FORMAT_NEWER or DATA_FOLDER_UNUSABLE. */
export function openDiskRevocations({ folder, clock }: { readonly folder: string; readonly clock: Clock }) {
  const file = join(folder, revocationsFileName)
  const kept = new Map(readFile(file).map(revocation => [targetOf(revocation), revocation]))
  const listeners = new Set<Listener>()
  let writing: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null

  /** What comes while one file is written goes into the next one together. */
  function write(): Promise<void> {
    const turn = async () => {
      next = null
      const nowMs = clock.now()
      for (const [target, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(target)
      await replaceFile(folder, encode([...kept.values()]))
    }
    if (next === null) {
      next = writing.then(turn, turn)
      writing = next
    }
    return next
  }

  return {
    async load(): Promise<readonly Revocation[]> {
      return [...kept.values()]
    },
    async add(revocation: Revocation): Promise<void> {
      const target = targetOf(revocation)
      const former = kept.get(target)
      if (former === undefined || former.sinceMs <= revocation.sinceMs) kept.set(target, revocation)
      // Also where nothing changed: what is known already may still be on its way to the disk.
      await write()
      for (const listener of listeners) listener.changed([...kept.values()])
    },
    watch(listener: Listener): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close(): Promise<void> {
      listeners.clear()
      await writing.catch(() => {})
    },
  }
}

function readFile(file: string): Revocation[] {
  try {
    return decode(readFileSync(file, 'utf8'), file)
  } catch (error) {
    if (error instanceof StoreOpenError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unusable(file, error)
  }
}

/** The new file is durable before it takes the place of the former, and so is that. */
async function replaceFile(folder: string, text: string): Promise<void> {
  const partial = join(folder, `${revocationsFileName}.partial`)
  const handle = await open(partial, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(partial, join(folder, revocationsFileName))
  syncFolder(folder)
}

function encode(revocations: readonly Revocation[]): string {
  return `${JSON.stringify({ format, checksum: crc32(JSON.stringify(revocations)), revocations })}\n`
}

function decode(text: string, file: string): Revocation[] {
  const content = parseJson(text)
  if (typeof content.format === 'number' && content.format > format) {
    throw new StoreOpenError(
      'STORE_FORMAT_NEWER',
      `${file} has format ${content.format}, this Syncline knows ${format}. Nothing was changed in it. ` +
        'Whoever runs the server must use the Syncline that wrote it, or a newer one.',
    )
  }
  const { checksum, revocations } = content
  const all = Array.isArray(revocations) ? revocations.map(readRevocation) : [null]
  const isWhole = content.format === format && checksum === crc32(JSON.stringify(revocations ?? null))
  if (isWhole && all.every(revocation => revocation !== null)) return all
  throw new StoreOpenError(
    'REVOCATIONS_DAMAGED',
    `${file} is damaged. It says whose tokens were revoked, so the server does not start without it. The operator must ` +
      'restore the file, or move it away, which lets in everybody it named whose token has not ended.',
  )
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(text)
    return typeof content === 'object' && content !== null ? { ...content } : {}
  } catch {
    return {}
  }
}
