/**
 * From the log to a loaded room.
 */
import { Generations } from './generations.ts'
import { readStored } from './read-stored.ts'
import { Room } from './room.ts'
import type { RoomServices } from './room-services.ts'
import { Tail } from './tail.ts'

export async function openRoom(
  document: string,
  services: RoomServices,
  onFailed: (room: Room) => void,
): Promise<{ room: Room; entries: number }> {
  const { log, clock, limits, observer, openBudget } = services
  const { head, known, windows, end } = await readStored(document, log)
  const tail = new Tail(head.base?.through ?? 0, (error, chunk) =>
    observer.mergeFailed({ document, seq: chunk.lastSeq, authors: [], error }),
  )
  for (const window of windows) {
    const later = openBudget.spend(1)
    if (later !== undefined) await later
    tail.add(window)
  }
  const drop = (generation: number) => {
    log
      .dropGeneration(document, generation)
      .catch(error => observer.roomFailed({ document, during: 'append', error }))
  }
  const generations = new Generations(head.base, clock, limits.generationKeepMs, drop)
  const loaded = { known, tail, generations, epoch: head.epoch, end }
  return { room: new Room(document, loaded, services, onFailed), entries: windows.length }
}
