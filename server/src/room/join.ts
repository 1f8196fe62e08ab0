/**
 * Sends a member everything that is committed and that it lacks, then makes it live.
 *
 * The order keeps `synced` honest [SYNC-1]: the base's pieces and the sealed chunks as updates, then the open chunk as the
 * SyncStep2 (on which stock clients say that they are synced), then our SyncStep1 to whoever may write. Waits between pieces; from the open
 * chunk on it waits for nothing, so no window can slip between.
 *
 * A client that has the base gets the catch-up frame instead of it; of chunks it gets what it lacks [SYNC-2]. Only a client
 * that has part of the base costs a difference, in the worker. Nothing is merged with the base.
 */
import { deleteSetUpdate, isEmptyUpdate } from '@syncline/shared/update/cut'
import type { ClientRanges } from '@syncline/shared/update/ranges'
import { covers, decodeVector, type StateVector } from '@syncline/shared/update/vector'
import type { Clock } from '../foundation/clock.ts'
import type { TurnBudget } from '../foundation/turn-budget.ts'
import type { Base } from '../store/update-log.ts'
import { mayBeAsked } from './asking.ts'
import { Delivery } from './delivery.ts'
import type { Generations } from './generations.ts'
import type { JoinFrames } from './join-frames.ts'
import { holdsStructs, lackedOf, lackedOfCatchUp } from './lacking.ts'
import type { Member } from './member.ts'
import { asSyncStep2, type Chunk, chunkBytesMax, type Tail } from './tail.ts'

/** A base that disappears under a joiner makes it start over; more often than this, something else is wrong. */
const startsMax = 5

export interface JoinSource {
  readonly document: string
  readonly generations: Generations
  readonly tail: Tail
  readonly frames: JoinFrames
  readonly budget: TurnBudget
  readonly clock: Clock
  /** Cuts an update into several of at most `chunkBytesMax`; runs in the worker. */
  split(update: Uint8Array): Promise<readonly Uint8Array[]>
  /** Our state vector, encoded, for the SyncStep1. */
  vector(): Uint8Array
}

export interface JoinRequest {
  readonly member: Member
  readonly vector: StateVector
  /** Asked by a SyncStep1, which is answered with a SyncStep2 and mostly our own SyncStep1; otherwise updates only. */
  readonly asked: boolean
  /** Called in the turn in which the last frame is sent. */
  readonly makeLive: () => void
}

export interface Joined {
  readonly outcome: 'live' | 'left'
  readonly bytes: number
}

export async function sendDocument(request: JoinRequest, source: JoinSource): Promise<Joined> {
  const delivery = new Delivery(request.member, source.budget, source.clock)
  for (let starts = 1; starts <= startsMax; starts++) {
    const base = source.generations.current
    const first = source.tail.first
    const outcome = base === null ? 'sent' : await sendBase(delivery, base, request.vector, source)
    if (outcome === 'gone') continue
    if (outcome === 'left' || !(await sendTail(delivery, first, request, source))) break
    return { outcome: 'live', bytes: delivery.bytes }
  }
  return { outcome: 'left', bytes: delivery.bytes }
}

async function sendBase(
  delivery: Delivery,
  base: Base,
  vector: StateVector,
  { document, generations, frames }: JoinSource,
): Promise<'sent' | 'gone' | 'left'> {
  const { member } = delivery
  const reach = decodeVector(base.documentVector)
  if (!reach.ok) throw new Error(`the base's document vector is unreadable: ${reach.reason}`)
  if (covers(vector, reach.vector)) {
    const update = lackedOfCatchUp(base.catchUp, vector)
    const needless = isEmptyUpdate(update)
    return needless || (await delivery.frame(member.encode({ kind: 'update', update }))) ? 'sent' : 'left'
  }
  const hasPart = [...vector.keys()].some(client => reach.vector.has(client) || holdsStructs(base.catchUp))
  const release = generations.hold(base)
  try {
    for (let number = 0; number < base.pieces; number++) {
      const name = { document, generation: base.generation, number }
      const frame = await (hasPart ? frames.difference(member, name, vector) : frames.piece(member, name))
      if (frame === 'gone') return 'gone'
      if (frame !== null && !(await delivery.frame(frame))) return 'left'
    }
    return 'sent'
  } finally {
    release()
  }
}

/** False once the member is gone. */
async function sendTail(
  delivery: Delivery,
  first: Chunk,
  { vector, asked, makeLive }: JoinRequest,
  source: JoinSource,
): Promise<boolean> {
  const { member } = delivery
  const deletesOfCovered: ClientRanges = new Map()
  let chunk = first
  for (;;) {
    while (chunk.sealed) {
      const lacked = lackedOf(chunk, vector, deletesOfCovered)
      for (const frame of await framesOf(chunk, lacked, member, source)) {
        if (!(await delivery.frame(frame))) return false
      }
      chunk = chunk.next!
    }
    await delivery.turnFor(chunk.bytes)
    // While it waited for its turn the chunk may have been sealed.
    if (!chunk.sealed) break
  }
  const lacked = lackedOf(chunk, vector, deletesOfCovered)
  const { before, last } = asSyncStep2(lacked === 'whole' ? chunk.updates() : lacked)
  if (deletesOfCovered.size > 0) delivery.send({ kind: 'update', update: deleteSetUpdate(deletesOfCovered) })
  for (const update of before) delivery.send({ kind: 'update', update })
  if (asked) {
    // What was cut for this client is nobody else's.
    if (lacked === 'whole') delivery.sendFrame(source.frames.answer(member, last))
    else delivery.send({ kind: 'sync-step-2', update: last })
    if (isAskedInReturn(member)) delivery.send({ kind: 'sync-step-1', vector: source.vector() })
  } else if (!isEmptyUpdate(last)) {
    delivery.send({ kind: 'update', update: last })
  }
  makeLive()
  return true
}

/** A client that counts what is not saved counts its answer, too, and says "unsaved" for ever if it is not asked. */
const isAskedInReturn = (member: Member) => mayBeAsked(member) || member.wantsStatus

/**
 * A chunk's frames, built once for everybody who gets it whole. One frame of several megabytes outlasts the 30 s watchdog
 * of stock clients on a slow line, and they start over for ever: until compaction has cut it, a large update is cut here.
 */
async function framesOf(
  chunk: Chunk,
  lacked: 'whole' | readonly Uint8Array[],
  member: Member,
  source: JoinSource,
): Promise<readonly Uint8Array[]> {
  const build = async (updates: readonly Uint8Array[]) => {
    const pieces: Uint8Array[] = []
    for (const update of updates) {
      if (update.byteLength <= chunkBytesMax) pieces.push(update)
      else pieces.push(...(await source.split(update)))
    }
    return pieces.map(update => member.encode({ kind: 'update', update }))
  }
  return lacked === 'whole' ? chunk.framesOf(member.framing, build) : build(lacked)
}
