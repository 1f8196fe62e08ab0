/**
 * From the log to a loaded room: what is known (vector, ranges behind gaps, delete set) and the tail. The base's content
 * stays in the store; its vector and its catch-up frame tell all that the gate needs.
 */
import { decodeVector } from '@syncline/shared/update/vector'
import { walkStored } from '@syncline/shared/update/walk'
import type { Base } from '../store/update-log.ts'
import { Generations } from './generations.ts'
import { Known } from './known.ts'
import { clientsOf } from './other-epoch.ts'
import { Room } from './room.ts'
import type { RoomServices } from './room-services.ts'
import { Tail } from './tail.ts'

const readBytesMax = 1024 * 1024

export async function openRoom(
  document: string,
  services: RoomServices,
  onFailed: (room: Room) => void,
): Promise<{ room: Room; entries: number }> {
  const { log, clock, limits, observer } = services
  const head = await log.load(document)
  const known = new Known(clientsOf(head.formerEpochs))
  if (head.base !== null) takeBase(known, head.base)
  const tail = new Tail(head.base?.through ?? 0, (error, chunk) =>
    observer.mergeFailed({ document, seq: chunk.lastSeq, authors: [], error }),
  )
  let end = head.end
  let read = head.base?.through ?? 0
  let entries = 0
  for (;;) {
    const page = await log.readEntries(document, read, readBytesMax)
    if (page.length === 0) break
    for (const { seq, link, update } of page) {
      const { structs, deletes } = walkStored(update, `entry ${seq} of this document`)
      known.take(structs, deletes)
      tail.add({ seq, update, structs, deletes })
      read = seq
      entries++
      if (seq > end.seq) end = { seq, link }
    }
  }
  if (read < end.seq) throw new Error(`the log of this document ends at ${read}, expected ${end.seq}`)
  const drop = (generation: number) => {
    log
      .dropGeneration(document, generation)
      .catch(error => observer.roomFailed({ document, during: 'append', error }))
  }
  const generations = new Generations(head.base, clock, limits.generationKeepMs, drop)
  return { room: new Room(document, { known, tail, generations, end }, services, onFailed), entries }
}

function takeBase(known: Known, base: Base): void {
  const vector = decodeVector(base.byteVector)
  if (!vector.ok) throw new Error(`the base's vector is unreadable: ${vector.reason}`)
  const contiguous = new Map([...vector.vector].map(([client, clock]) => [client, [0, clock]]))
  const { structs, deletes } = walkStored(base.catchUp, 'the catch-up frame of this document')
  known.take(contiguous, deletes)
  // What lies behind gaps, and what the vector counts already: taking it twice changes nothing.
  known.take(structs, new Map())
}
