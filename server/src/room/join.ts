/**
 * Sends a member everything that is committed and that it lacks, then makes it live.
 *
 * The order keeps `synced` honest [SYNC-1]: the base's pieces and the sealed chunks as updates, then the open chunk as the
 * SyncStep2 (on which stock clients say that they are synced), then our SyncStep1. Waits for the socket between
 * pieces; from the open chunk on it waits for nothing, so no window can slip between.
 *
 * A client that has the base gets the catch-up frame instead of it; of chunks it gets what it lacks [SYNC-2]. Only a client
 * that has part of the base costs a difference, in the worker. Nothing is merged with the base.
 */
import { cutUpdate, deleteSetUpdate, isEmptyUpdate } from '@syncline/shared/update/cut'
import { addClientRanges, type ClientRanges, equalClientRanges } from '@syncline/shared/update/ranges'
import { covers, decodeVector, type StateVector, structsBeyond } from '@syncline/shared/update/vector'
import { walkLimitsDefault, walkUpdate } from '@syncline/shared/update/walk'
import type { Message } from '@syncline/shared/wire/message'
import type { Base, UpdateLog } from '../store/update-log.ts'
import type { Generations } from './generations.ts'
import type { Member } from './member.ts'
import { asSyncStep2, type Chunk, chunkBytesMax, type Tail } from './tail.ts'

/** The next piece is read once this little waits in the socket. */
const joinWaitingBytesMax = 256 * 1024
/** A base that disappears under a joiner makes it start over; more often than this, something else is wrong. */
const startsMax = 5
/** A chunk below this is sent whole rather than cut. */
const cutChunkAboveBytes = 4 * 1024

export interface JoinSource {
  readonly document: string
  readonly log: UpdateLog
  readonly generations: Generations
  readonly tail: Tail
  /** What a client at this vector lacks of a piece, or null for nothing; runs in the worker. */
  difference(piece: Uint8Array, vector: StateVector): Promise<Uint8Array | null>
  /** Cuts an update into several of at most `chunkBytesMax`; runs in the worker. */
  split(update: Uint8Array): Promise<readonly Uint8Array[]>
  /** Our state vector, encoded, for the SyncStep1. */
  vector(): Uint8Array
}

export interface Joined {
  readonly outcome: 'live' | 'left'
  readonly bytes: number
}

export async function sendDocument(
  member: Member,
  vector: StateVector,
  source: JoinSource,
  makeLive: () => void,
): Promise<Joined> {
  const delivery = new Delivery(member)
  for (let starts = 1; starts <= startsMax; starts++) {
    const base = source.generations.current
    const first = source.tail.first
    const outcome = base === null ? 'sent' : await sendBase(delivery, base, vector, source)
    if (outcome === 'gone') continue
    if (outcome === 'left' || !(await sendTail(delivery, first, vector, source, makeLive))) break
    return { outcome: 'live', bytes: delivery.bytes }
  }
  return { outcome: 'left', bytes: delivery.bytes }
}

class Delivery {
  bytes = 0
  readonly #member: Member

  constructor(member: Member) {
    this.#member = member
  }

  send(message: Message): void {
    const frame = this.#member.encode(message)
    this.bytes += frame.byteLength
    this.#member.send(frame)
  }

  /** False once the member is gone. */
  async update(update: Uint8Array): Promise<boolean> {
    this.send({ kind: 'update', update })
    return this.#member.drained(joinWaitingBytesMax)
  }
}

async function sendBase(
  delivery: Delivery,
  base: Base,
  vector: StateVector,
  source: JoinSource,
): Promise<'sent' | 'gone' | 'left'> {
  const reach = decodeVector(base.documentVector)
  if (!reach.ok) throw new Error(`the base's document vector is unreadable: ${reach.reason}`)
  if (covers(vector, reach.vector)) {
    const lacked = lackedOfCatchUp(base.catchUp, vector)
    return isEmptyUpdate(lacked) || (await delivery.update(lacked)) ? 'sent' : 'left'
  }
  const hasPart = [...vector.keys()].some(client => reach.vector.has(client) || holdsStructs(base.catchUp))
  const release = source.generations.hold(base)
  try {
    for (let number = 0; number < base.pieces; number++) {
      const piece = await source.log.readPiece(source.document, base.generation, number)
      if (piece === 'gone') return 'gone'
      const lacked = hasPart ? await source.difference(piece, vector) : piece
      if (lacked !== null && !(await delivery.update(lacked))) return 'left'
    }
    return 'sent'
  } finally {
    release()
  }
}

/** An update begins with the number of clients whose structs it holds: in a catch-up frame nearly always none. */
const holdsStructs = (update: Uint8Array) => update[0] !== 0

/** Whoever wrote what lies behind a gap of ours has it, and has not yet been asked for what is missing. */
function lackedOfCatchUp(catchUp: Uint8Array, vector: StateVector): Uint8Array {
  if (!holdsStructs(catchUp)) return catchUp
  const walked = walkUpdate(catchUp, { ...walkLimitsDefault, deleteRangesMax: Number.POSITIVE_INFINITY })
  if (!walked.ok) throw new Error(`the base's catch-up frame is damaged: ${walked.reason}`)
  const { structs, deletes } = walked.structure
  return cutUpdate(catchUp, structsBeyond(structs, vector), deletes)
}

async function sendTail(
  delivery: Delivery,
  first: Chunk,
  vector: StateVector,
  source: JoinSource,
  makeLive: () => void,
): Promise<boolean> {
  const deletesOfCovered: ClientRanges = new Map()
  let chunk = first
  while (chunk.sealed) {
    for (const update of lackedOf(chunk, vector, deletesOfCovered)) {
      for (const piece of await inPieces(update, chunk, source)) {
        if (!(await delivery.update(piece))) return false
      }
    }
    chunk = chunk.next!
  }
  const { before, last } = asSyncStep2(lackedOf(chunk, vector, deletesOfCovered))
  if (deletesOfCovered.size > 0) delivery.send({ kind: 'update', update: deleteSetUpdate(deletesOfCovered) })
  for (const update of before) delivery.send({ kind: 'update', update })
  delivery.send({ kind: 'sync-step-2', update: last })
  delivery.send({ kind: 'sync-step-1', vector: source.vector() })
  makeLive()
  return true
}

/**
 * One frame of several megabytes outlasts the 30 s watchdog of stock clients on a slow line, and they start over for ever.
 * Until compaction has cut it, a large update is cut here, once for everybody who gets it whole.
 */
async function inPieces(
  update: Uint8Array,
  chunk: Chunk,
  source: JoinSource,
): Promise<readonly Uint8Array[]> {
  if (update.byteLength <= chunkBytesMax) return [update]
  const isWhole = chunk.updates().length === 1 && chunk.updates()[0] === update
  if (!isWhole) return source.split(update)
  chunk.pieces ??= source.split(update).catch(error => {
    chunk.pieces = null
    throw error
  })
  return chunk.pieces
}

/** What a client lacks of a chunk. Of one that it has, only the deletes: a vector does not tell those. */
function lackedOf(chunk: Chunk, vector: StateVector, deletesOfCovered: ClientRanges): readonly Uint8Array[] {
  const lacked = structsBeyond(chunk.structs, vector)
  if (lacked.size === 0) {
    addClientRanges(deletesOfCovered, chunk.deletes)
    return []
  }
  const updates = chunk.updates()
  const whole =
    updates.length > 1 || chunk.bytes <= cutChunkAboveBytes || equalClientRanges(lacked, chunk.structs)
  return whole ? updates : updates.map(update => cutUpdate(update, lacked, chunk.deletes))
}
