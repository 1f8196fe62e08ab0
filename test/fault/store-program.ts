import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { openDiskLog } from '@syncline/server/internal/store/disk-log'
import type { Entry } from '@syncline/server/internal/store/entry'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import { baseLine, filledWith, readWholeLog } from './store-evidence.ts'

/**
 * A program that uses a store until it is killed, and says on stdout, a line of JSON each, what it was told is saved.
 *
 *     node --conditions=syncline-source store-program.ts FOLDER load|one-append
 *
 * Lines are written by `writeSync`: what was said before the kill is in the pipe.
 */
const [folder, mode] = process.argv.slice(2) as [string, string]
const documents = ['one', 'two', 'three\0', '__proto__']
const appendersPerDocument = 2
const compactAfterEntries = 300
const largeEntryBytes = 400_000
const pieceBytes = 10_000

/** Returns when the whole line is in the pipe, however long its reader takes. */
function say(line: object): void {
  let rest = Buffer.from(`${JSON.stringify(line)}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

function makeEntry(length: number): Entry {
  const nonce = randomBytes(8).toString('hex')
  return {
    kind: 'update',
    timeMs: 1,
    update: filledWith(nonce, length),
    authors: [],
    instance: `${process.pid}`,
    nonce,
  }
}

async function appendForEver(log: UpdateLog, document: string): Promise<never> {
  let since = (await log.load(document)).end.seq
  for (;;) {
    const count = 1 + Math.floor(Math.random() * 3)
    const entries = Array.from({ length: count }, () =>
      makeEntry(Math.random() < 0.01 ? largeEntryBytes : 40),
    )
    const { epoch, ends } = await log.append(document, since, entries)
    for (const [i, end] of ends.entries()) say({ document, epoch, nonce: entries[i]!.nonce, ...end })
    since = ends.at(-1)!.seq
  }
}

/** Puts a new base, which lists what is in it, under the log whenever the tail has grown. */
async function compactForEver(log: UpdateLog, document: string): Promise<never> {
  for (;;) {
    const { base, end } = await log.load(document)
    if (end.seq - (base?.through ?? 0) < compactAfterEntries) {
      await new Promise(resolve => setTimeout(resolve, 10))
      continue
    }
    const { entries } = await readWholeLog(log, document)
    const text = Buffer.from(entries.map(baseLine).join(''))
    const pieces: Uint8Array[] = []
    for (let from = 0; from < text.length; from += pieceBytes)
      pieces.push(text.subarray(from, from + pieceBytes))
    const { seq: through, link } = entries.at(-1)!
    const nothing = new Uint8Array()
    const parts = { byteVector: nothing, documentVector: nothing, catchUp: nothing }
    await log.replaceBase(document, base?.generation ?? null, { through, link, pieces, ...parts })
    if (base !== null) await log.dropGeneration(document, base.generation)
  }
}

const log = await openDiskLog({ folder, clock: systemClock })
if (mode === 'load') {
  for (const document of documents) {
    for (let i = 0; i < appendersPerDocument; i++) void appendForEver(log, document)
    void compactForEver(log, document)
  }
} else {
  log.onHealth(health => say({ health: health.at, reason: health.at === 'away' ? health.reason : '' }))
  const entry = makeEntry(40)
  const { epoch, ends } = await log.append('one', 0, [entry])
  say({ document: 'one', epoch, nonce: entry.nonce, ...ends[0] })
  await log.close()
}
