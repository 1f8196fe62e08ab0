/**
 * The frames of joins that several members can share, built once: a base's pieces under one bound for all rooms (least
 * recently used goes first), differences that many clients of the same age ask for after a restart, and the open chunk, with
 * which a join ends.
 */

import { createHash } from 'node:crypto'
import type { StateVector } from '@syncline/shared/update/vector'
import { encodeVector } from '@syncline/shared/update/vector'
import type { Workers } from '../compaction/workers.ts'
import { ByteCache } from '../foundation/byte-cache.ts'
import type { UpdateLog } from '../store/update-log.ts'
import type { Member } from './member.ts'

/** About a hundred large documents at once, or ten thousand small ones. */
const pieceBytesMax = 64 * 1024 * 1024
const differenceBytesMax = 32 * 1024 * 1024
/** What comes beyond it between two sweeps is framed for each joiner by itself. */
const answerBytesMax = 16 * 1024 * 1024

/** One piece of one base. A generation is unique in its store. */
export interface PieceName {
  readonly document: string
  readonly generation: number
  readonly number: number
}

const noFrame = new Uint8Array(0)

export class JoinFrames {
  readonly #log: Pick<UpdateLog, 'readPiece'>
  readonly #workers: Pick<Workers, 'difference'>
  readonly #pieces = new ByteCache(pieceBytesMax)
  readonly #differences = new ByteCache(differenceBytesMax)
  /** By framing, then by the very bytes that were framed: the next window makes the open chunk other bytes. */
  readonly #answers = new Map<string, WeakMap<Uint8Array, Uint8Array>>()
  #answerBytes = 0

  constructor(log: Pick<UpdateLog, 'readPiece'>, workers: Pick<Workers, 'difference'>) {
    this.#log = log
    this.#workers = workers
  }

  /** To be called every few seconds. */
  sweep(): void {
    this.#pieces.sweep()
    this.#differences.sweep()
    this.#answers.clear()
    this.#answerBytes = 0
  }

  /** An open chunk as the SyncStep2 that ends a join, shared by all who ask before the next window. */
  answer(member: Member, update: Uint8Array): Uint8Array {
    const answers = this.#answers.get(member.framing) ?? new WeakMap<Uint8Array, Uint8Array>()
    this.#answers.set(member.framing, answers)
    const kept = answers.get(update)
    if (kept !== undefined) return kept
    const frame = member.encode({ kind: 'sync-step-2', update })
    if (this.#answerBytes + frame.byteLength <= answerBytesMax) {
      this.#answerBytes += frame.byteLength
      answers.set(update, frame)
    }
    return frame
  }

  /** A piece as an update frame, or `gone` when its generation has been dropped. */
  async piece(member: Member, name: PieceName): Promise<Uint8Array | 'gone'> {
    const frame = await this.#pieces.get(keyOf(member, name), async () => {
      const piece = await this.#log.readPiece(name.document, name.generation, name.number)
      return piece === 'gone' ? null : member.encode({ kind: 'update', update: piece })
    })
    return frame ?? 'gone'
  }

  /** What a client at `vector` lacks of a piece, as an update frame; null for nothing. */
  async difference(
    member: Member,
    name: PieceName,
    vector: StateVector,
  ): Promise<Uint8Array | null | 'gone'> {
    const age = createHash('sha256').update(encodeVector(vector)).digest('base64')
    const frame = await this.#differences.get(`${age}/${keyOf(member, name)}`, async () => {
      const piece = await this.#log.readPiece(name.document, name.generation, name.number)
      if (piece === 'gone') return null
      const lacked = await this.#workers.difference(piece, vector)
      return lacked === null ? noFrame : member.encode({ kind: 'update', update: lacked })
    })
    if (frame === null) return 'gone'
    return frame.byteLength === 0 ? null : frame
  }
}

function keyOf({ framing }: Member, { document, generation, number }: PieceName): string {
  return `${framing}/${generation}/${number}/${document}`
}
