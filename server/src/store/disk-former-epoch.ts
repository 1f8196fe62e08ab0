import type { DatabaseSync } from 'node:sqlite'
import { formerEpochChecksum } from './disk-checksum.ts'
import { type Contents, DamagedContent } from './disk-content.ts'
import { toHex } from './disk-document.ts'

/**
 * The rows that remember former epochs. They outlive every replacement: each moves on to the document's new row.
 */
export type FormerEpochs = ReturnType<typeof createFormerEpochs>

export function createFormerEpochs(database: DatabaseSync, contents: Contents) {
  const select = database.prepare(
    'SELECT number, epoch, lacks, checksum FROM former_epoch WHERE document = ? ORDER BY number',
  )
  const insert = database.prepare(
    'INSERT INTO former_epoch (document, number, epoch, lacks, checksum) VALUES (?, ?, ?, ?, ?)',
  )
  const remove = database.prepare('DELETE FROM former_epoch WHERE document = ?')

  return {
    /** Oldest first. Throws `DamagedContent`. */
    read(document: number): { epoch: string; lacks: Uint8Array }[] {
      return select.all(document).map((row, i) => {
        const { number, epoch, lacks, checksum } = row as unknown as FormerEpochRow
        if (number !== i || formerEpochChecksum(document, epoch, lacks) !== checksum)
          throw new DamagedContent(`names a former epoch (number ${i}) that is not what was written`)
        return { epoch: toHex(epoch), lacks: contents.read(lacks) }
      })
    },

    /** Inside a transaction: the former epochs of one row become those of another, and the one that ends joins them. */
    handOver(from: { id: number; epoch: string }, to: number, lacks: number): void {
      const rows = select.all(from.id) as unknown as Pick<FormerEpochRow, 'epoch' | 'lacks'>[]
      remove.run(from.id)
      contents.refer(lacks)
      rows.push({ epoch: Buffer.from(from.epoch, 'hex'), lacks })
      for (const [number, former] of rows.entries())
        insert.run(
          to,
          number,
          former.epoch,
          former.lacks,
          formerEpochChecksum(to, former.epoch, former.lacks),
        )
    },

    /** Inside a transaction: a document is deleted, and nobody is to be told of another epoch any more. */
    forget(document: number): void {
      for (const { lacks } of select.all(document)) contents.letGo(lacks as number)
      remove.run(document)
    },
  }
}

interface FormerEpochRow {
  readonly number: number
  readonly epoch: Uint8Array
  readonly lacks: number
  readonly checksum: number
}
