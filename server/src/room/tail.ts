/**
 * The committed windows since the base, in chunks that can be sent as they are.
 *
 * Windows fill the open chunk; it is sealed at 64 windows or 256 KiB and merged once (merging many at a time costs their
 * square). Chunks are a linked list, so that a slow joiner keeps what it still has to be sent by holding one chunk,
 * whatever compaction takes off the front meanwhile.
 */

import { emptyUpdate } from '@syncline/shared/update/cut'
import { addClientRanges, type ClientRanges } from '@syncline/shared/update/ranges'
import { mergeUpdates } from 'yjs'

/** A chunk is sealed at whichever comes first. 64 is also the largest fan-in at which flat merging is cheap. */
const chunkWindowsMax = 64
/** Also what one frame of a join may hold: what is larger is cut before it is sent. */
export const chunkBytesMax = 256 * 1024

/** One committed entry: its seq, its merged update and what is in it. */
export interface Window {
  readonly seq: number
  readonly update: Uint8Array
  readonly structs: ClientRanges
  readonly deletes: ClientRanges
}

export class Chunk {
  readonly structs: ClientRanges = new Map()
  readonly deletes: ClientRanges = new Map()
  next: Chunk | null = null
  readonly #frames = new Map<string, Promise<readonly Uint8Array[]>>()
  sealed = false
  bytes = 0
  lastSeq: number
  #updates: Uint8Array[] = []
  readonly #onMergeFailure: (error: unknown) => void

  constructor(lastSeq: number, onMergeFailure: (error: unknown) => void) {
    this.lastSeq = lastSeq
    this.#onMergeFailure = onMergeFailure
  }

  get windows(): number {
    return this.#windows
  }
  #windows = 0

  get full(): boolean {
    return this.#windows >= chunkWindowsMax || this.bytes >= chunkBytesMax
  }

  add(window: Window): void {
    this.#updates.push(window.update)
    this.#windows++
    this.bytes += window.update.byteLength
    // Other instances' entries may come late: what a base must hold before the chunk may go is the highest.
    this.lastSeq = Math.max(this.lastSeq, window.seq)
    addClientRanges(this.structs, window.structs)
    addClientRanges(this.deletes, window.deletes)
  }

  /** The frames of a sealed chunk in one framing: built by whoever asks first, and shared. */
  framesOf(
    framing: string,
    build: (updates: readonly Uint8Array[]) => Promise<readonly Uint8Array[]>,
  ): Promise<readonly Uint8Array[]> {
    const kept = this.#frames.get(framing)
    if (kept !== undefined) return kept
    const frames = build(this.updates())
    this.#frames.set(framing, frames)
    frames.catch(() => this.#frames.delete(framing))
    return frames
  }

  /** Whoever asks next builds them again. */
  forgetFrames(): void {
    this.#frames.clear()
  }

  /** The chunk's content: one update, or, where Yjs cannot merge it, one for each window [ROOM-3]. */
  updates(): readonly Uint8Array[] {
    if (this.#updates.length > 1 && !this.#unmergeable) {
      try {
        this.#updates = [mergeUpdates(this.#updates)]
      } catch (error) {
        this.#unmergeable = true
        this.#onMergeFailure(error)
      }
    }
    return this.#updates
  }
  #unmergeable = false
}

export class Tail {
  #first: Chunk
  #open: Chunk
  #bytes = 0
  #windows = 0
  readonly #onMergeFailure: (error: unknown, chunk: Chunk) => void

  /** `after` is the seq of the last entry in the base, 0 without one. */
  constructor(after: number, onMergeFailure: (error: unknown, chunk: Chunk) => void) {
    this.#onMergeFailure = onMergeFailure
    this.#open = this.#newChunk(after)
    this.#first = this.#open
  }

  get first(): Chunk {
    return this.#first
  }
  get bytes(): number {
    return this.#bytes
  }
  get windows(): number {
    return this.#windows
  }

  add(window: Window): void {
    // A large window stays alone: merging it with small ones would cost its size.
    if (window.update.byteLength >= chunkBytesMax) this.seal()
    this.#open.add(window)
    this.#bytes += window.update.byteLength
    this.#windows++
    if (this.#open.full) this.seal()
  }

  /** Ends the open chunk; the next window begins a new one. */
  seal(): void {
    const sealed = this.#open
    if (sealed.windows === 0) return
    sealed.updates()
    sealed.sealed = true
    this.#open = this.#newChunk(sealed.lastSeq)
    sealed.next = this.#open
  }

  /** What was read anew takes the place of all chunks. A joiner in the middle of them goes on into the new ones. */
  become(after: number, windows: readonly Window[]): void {
    this.#open.sealed = true
    const first = this.#newChunk(after)
    this.#open.next = first
    this.#open = first
    this.#first = first
    this.#bytes = 0
    this.#windows = 0
    for (const window of windows) this.add(window)
  }

  /** Forgets what was built for joiners and can be built again. */
  forgetFrames(): void {
    for (let chunk: Chunk | null = this.#first; chunk !== null; chunk = chunk.next) chunk.forgetFrames()
  }

  /** Forgets the chunks that a new base holds. `through` is the end of a sealed chunk. */
  dropThrough(through: number): void {
    while (this.#first.sealed && this.#first.lastSeq <= through) {
      this.#bytes -= this.#first.bytes
      this.#windows -= this.#first.windows
      this.#first = this.#first.next!
    }
  }

  #newChunk(after: number): Chunk {
    const chunk: Chunk = new Chunk(after, error => this.#onMergeFailure(error, chunk))
    return chunk
  }
}

/** An open chunk as the one update of a SyncStep2, and what has to go before it where it cannot be one. */
export function asSyncStep2(updates: readonly Uint8Array[]): {
  before: readonly Uint8Array[]
  last: Uint8Array
} {
  return { before: updates.slice(0, -1), last: updates.at(-1) ?? emptyUpdate }
}
