/**
 * How far a room has the log of its document: the end of the contiguous prefix, and what it has ahead of that. Other instances
 * append to the same log. The relay brings what they append late, twice or not at all, so what is missing is read from the
 * log itself: at a gap, when the relay was away, and now and then [REL-1].
 *
 * Seqs and links are compared with all that is shown. Where they differ, history was rewritten under this room (a failover that lost
 * the end, a restart without data): what is done then is `mending.ts`'s.
 */
import type { Clock } from '../foundation/clock.ts'
import type { StoredEntry } from '../store/entry.ts'
import type { Appended, End, History, Position, UpdateLog } from '../store/update-log.ts'

/** What is published next usually fills a gap at once; after this long it was lost. */
const gapMs = 50
/** A room that has heard nothing for this long looks whether there was nothing to hear. */
const quietMs = 1_000
/** Entries ahead of a gap that are remembered; publications beyond it are left to be read. */
const aheadMax = 4_096
const readBytesMax = 1024 * 1024
/** Others append while this room reads; one that cannot catch up in this many rounds tries again at the next sweep. */
const roundsMax = 100

export interface FollowingOptions {
  readonly document: string
  readonly log: Pick<UpdateLog, 'position' | 'readEntries'>
  readonly clock: Clock
  readonly at: Position
  /** Entries that this room has not had. */
  readonly onEntries: (entries: readonly StoredEntry[]) => void
  /** The store has another base. */
  readonly onBaseReplaced: () => Promise<void>
  /** Nothing that is known of positions holds any more, or a base has overtaken this room: everything is to be read anew. */
  readonly onLost: (why: string) => Promise<void>
  /** The log cannot be read. */
  readonly onFault: (error: unknown) => void
}

interface Ahead {
  readonly link: string
  /** Null where the log did not tell. */
  readonly previousLink: string | null
}

export class Following {
  readonly #options: FollowingOptions
  readonly #ahead = new Map<number, Ahead>()
  #epoch: string | null
  #end: End
  #generation: number | null
  #heardMs: number
  #restarts = 0
  /** Positions mean nothing until everything has been read anew. */
  #isLost = false
  #cancelGapTimer: (() => void) | null = null
  #reading: Promise<void> | null = null
  /** A look at the store that has been asked for, and the one after it, which all who ask meanwhile share. */
  #looking: Promise<void> | null = null
  #lookingNext: Promise<void> | null = null

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#epoch = options.at.epoch
    this.#end = options.at.end
    this.#generation = options.at.generation
    this.#heardMs = options.clock.monotonic()
  }

  /** The end of the contiguous prefix. */
  get end(): End {
    return this.#end
  }

  /** What this room takes the log's history to be, at `end`. */
  get history(): History {
    return { epoch: this.#epoch, link: this.#end.link }
  }

  /** How often everything was read anew: what the log answered to a question from before that is about another history. */
  get restarts(): number {
    return this.#restarts
  }

  /** The room has another base now. */
  hasBase(generation: number | null): void {
    this.#generation = generation
  }

  /** Everything was read anew. */
  restart({ epoch, end, generation }: Position): void {
    this.#restarts++
    this.#isLost = false
    this.#epoch = epoch
    this.#end = end
    this.#generation = generation
    this.#ahead.clear()
    this.#heardMs = this.#options.clock.monotonic()
  }

  /** Where the log put what this room appended. Tells for each whether the room has not had it by another way before. */
  own({ epoch, ends, previousLink }: Appended): boolean[] {
    if (this.#isLost) return ends.map(() => true)
    this.#epoch ??= epoch
    // What lies within the prefix may be another's entry under the same seq: better twice than not at all.
    const fresh = ends.map(
      ({ seq, link }, i) =>
        this.#note(seq, { link, previousLink: i === 0 ? previousLink : null }) || seq < this.#end.seq,
    )
    this.#advance()
    this.#watchGap()
    return fresh
  }

  /** Entries of others, from the relay or from the log, in any order. */
  entries(entries: readonly StoredEntry[]): void {
    const fresh: StoredEntry[] = []
    if (this.#isLost) return
    for (const entry of entries) {
      const { seq, link, previousLink } = entry
      if (this.#ahead.size >= aheadMax && seq > this.#end.seq + 1) continue
      if (this.#note(seq, { link, previousLink })) fresh.push(entry)
      this.#advance()
    }
    this.#watchGap()
    if (fresh.length > 0) this.#options.onEntries(fresh)
  }

  /** Somebody has appended up to here. */
  appended({ seq }: End): void {
    if (seq > this.#end.seq && !this.#ahead.has(seq)) void this.#read()
  }

  /** Looks now and then whether something was missed, also when nobody types any more. */
  sweep(): void {
    if (this.#options.clock.monotonic() - this.#heardMs >= quietMs) this.lookSoon()
  }

  /** Looks at the store, and reads what is missing. */
  lookSoon(): void {
    this.upToDate().catch(this.#options.onFault)
  }

  /** Resolves when the room has everything that the log had when this was called [SYNC-1]. */
  upToDate(): Promise<void> {
    if (this.#looking === null) return this.#startLooking()
    // The look that is under way may have been answered before.
    this.#lookingNext ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#lookingNext = null
        return this.#startLooking()
      })
    return this.#lookingNext
  }

  #startLooking(): Promise<void> {
    const looking = this.#look().finally(() => {
      if (this.#looking === looking) this.#looking = null
    })
    this.#looking = looking
    return looking
  }

  async #look(): Promise<void> {
    const { document, log, onBaseReplaced } = this.#options
    const had = this.#end
    const reach = Math.max(had.seq, ...this.#ahead.keys())
    const { epoch, end, generation } = await log.position(document)
    this.#heardMs = this.#options.clock.monotonic()
    if (epoch !== null && this.#epoch !== null && epoch !== this.#epoch)
      return this.#lost(`expected epoch ${this.#epoch}, it has ${epoch}`)
    this.#epoch ??= epoch
    if (end.seq < reach || (end.seq === had.seq && end.link !== had.link))
      return this.#lost(
        `${had.seq}/${had.link} and entry ${reach} are known, it ends at ${end.seq}/${end.link}`,
      )
    if (end.seq > this.#end.seq) await this.#read()
    if (end.seq > this.#end.seq) return this.#lost(`entry ${this.#end.seq + 1} is in the base only`)
    if (generation !== this.#generation) await onBaseReplaced()
  }

  /** Reads what follows the prefix; whoever wants that while it is being done waits for it and reads again. */
  async #read(): Promise<void> {
    const before = this.#reading
    const reading = (async () => {
      await before?.catch(() => {})
      await this.#readOn()
    })()
    this.#reading = reading
    try {
      await reading
    } catch (error) {
      this.#options.onFault(error)
    } finally {
      if (this.#reading === reading) this.#reading = null
    }
  }

  async #readOn(): Promise<void> {
    const { document, log } = this.#options
    for (let rounds = 0; rounds < roundsMax; rounds++) {
      const { seq } = this.#end
      const page = await log.readEntries(document, seq, readBytesMax)
      if (page.length === 0) return
      this.entries(page)
      if (this.#end.seq === seq) return
    }
  }

  /** False for what the room has already. */
  #note(seq: number, entry: Ahead): boolean {
    this.#heardMs = this.#options.clock.monotonic()
    const known = seq === this.#end.seq ? this.#end : this.#ahead.get(seq)
    if (known !== undefined && known.link !== entry.link) {
      this.#lostHere(`entry ${seq} was ${known.link} and is ${entry.link}`)
      return true
    }
    if (known !== undefined || seq <= this.#end.seq) return false
    this.#ahead.set(seq, entry)
    return true
  }

  #advance(): void {
    while (!this.#isLost) {
      const seq = this.#end.seq + 1
      const next = this.#ahead.get(seq)
      if (next === undefined) return
      this.#ahead.delete(seq)
      if (next.previousLink !== null && next.previousLink !== this.#end.link)
        return this.#lostHere(`entry ${seq} follows ${next.previousLink}, expected ${this.#end.link}`)
      this.#end = { seq, link: next.link }
    }
  }

  #watchGap(): void {
    if (this.#ahead.size === 0) {
      this.#cancelGapTimer?.()
      this.#cancelGapTimer = null
      return
    }
    this.#cancelGapTimer ??= this.#options.clock.after(gapMs, () => {
      this.#cancelGapTimer = null
      if (this.#ahead.size > 0) void this.#read()
    })
  }

  #lost(why: string): Promise<void> {
    this.#isLost = true
    return this.#options.onLost(why)
  }

  #lostHere(why: string): void {
    this.#lost(why).catch(this.#options.onFault)
  }
}
