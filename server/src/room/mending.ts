/**
 * Brings a room and its log together again where the log is not the one that the room knew: a failover lost its end, a restart
 * lost everything, or another instance's base has overtaken this room [REL-2].
 *
 * The document is read anew. What this room still holds and the log lacks is appended again; the members are sent what they had
 * not been sent, and asked for what nobody else has. The epoch stays: it is the same document.
 */
import { cutUpdate } from '@syncline/shared/update/cut'
import type { StateVector } from '@syncline/shared/update/vector'
import { walkStored } from '@syncline/shared/update/walk'
import type { Following } from './following.ts'
import { withoutKnown } from './gate.ts'
import type { Known } from './known.ts'
import { readStored } from './read-stored.ts'
import type { Loaded, RoomServices } from './room-services.ts'
import type { Tail } from './tail.ts'
import type { Arrival, WindowQueue } from './window-queue.ts'

export interface MendingOptions {
  readonly document: string
  readonly loaded: Loaded
  readonly services: RoomServices
  readonly queue: WindowQueue
  readonly following: Following
  /** What is in memory only is to be committed again. */
  readonly offer: (arrival: Arrival) => void
  /** The members have been sent what this vector says, and may hold what nobody else does. */
  readonly onMended: (sent: StateVector) => void
  readonly onEpochEnded: () => void
}

export class Mending {
  readonly #options: MendingOptions
  #running: Promise<void> | null = null

  constructor(options: MendingOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Once, however many ask at the same time. Rejects where the log cannot be read. */
  mend(why: string): Promise<void> {
    this.#running ??= this.#mend(why).finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #mend(why: string): Promise<void> {
    const { document, loaded, services, queue, following, onMended, onEpochEnded } = this.#options
    const { head, known, windows, end } = await readStored(document, services.log)
    const { epoch } = following.history
    // An epoch that was not ended on purpose was given by an instance that made again what the store had lost.
    if (head.formerEpochs.some(former => former.epoch === epoch)) {
      onEpochEnded()
      throw new Error('the document is another one now')
    }
    const uncommitted = queue.uncommitted()
    const sent = loaded.known.vectorWithout(uncommitted.map(({ structs }) => structs))
    for (const { structs, deletes } of uncommitted) known.take(structs, deletes)
    const lost = [...this.#heldBeyond(known)]
    following.restart({ epoch: head.epoch ?? epoch, end, generation: head.base?.generation ?? null })
    loaded.known.become(known)
    loaded.tail.become(head.base?.through ?? 0, windows)
    loaded.generations.replace(head.base)
    for (const arrival of lost) this.#options.offer(arrival)
    services.observer.mended({ document, why, entries: windows.length, lost: lost.length })
    onMended(sent)
    following.lookSoon()
  }

  /** What is in memory and not in the log, taken into `known` on the way. */
  *#heldBeyond(known: Known): Iterable<Arrival> {
    for (const update of heldUpdates(this.#options.loaded.tail)) {
      const walked = walkStored(update, 'what this room holds')
      const content = { structs: known.newStructs(walked.structs), deletes: known.newDeletes(walked.deletes) }
      if (content.structs.size === 0 && content.deletes.size === 0) continue
      known.take(content.structs, content.deletes)
      yield {
        kind: 'new',
        update: withoutKnown(update, content, cutUpdate),
        ...content,
        cut: true,
        author: this.#options.services.instance,
      }
    }
  }
}

function* heldUpdates(tail: Tail): Iterable<Uint8Array> {
  for (let chunk = tail.first; ; chunk = chunk.next!) {
    yield* chunk.updates()
    if (chunk.next === null) return
  }
}
