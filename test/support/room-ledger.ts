/**
 * The property test's own account of a document: what was written, what the room has accepted, what is in the log. Made of the
 * bytes that went in and the bytes in the log, never of what the room says of itself.
 */
import { Content, contentOf, type Held } from './room-content.ts'
import type { TestLog } from './room-log.ts'

export class Ledger {
  /** What each client has written, in the order of writing, sent or not. */
  readonly written: Uint8Array[] = []
  /** Everything that has passed the gate, and as what it came. */
  accepted = new Content()
  originals: Uint8Array[] = []
  readonly #logged = new Content()
  #log: TestLog
  #seenEntries = 0
  #seenBases = 0
  #broken: Error | null = null

  constructor(log: TestLog) {
    this.#log = log
  }

  /** Everything that is in the log at this moment, and ever was. */
  get logged(): Content {
    const { appended, bases } = this.#log
    for (; this.#seenEntries < appended.length; this.#seenEntries++) {
      this.#logged.add(contentOf(appended[this.#seenEntries]!.entry.update))
    }
    for (; this.#seenBases < bases.length; this.#seenBases++) {
      for (const piece of bases[this.#seenBases]!.pieces) this.#logged.add(contentOf(piece))
    }
    return this.#logged
  }

  accept(update: Uint8Array, content: Held): void {
    this.accepted.add(content)
    this.originals.push(update)
  }

  /** The process was killed: what was accepted and is not in the log was never promised to anybody. */
  reopen(log: TestLog): void {
    const { logged } = this
    this.#log = log
    this.#seenBases = 0
    this.accepted = logged.copy()
    this.originals = this.originals.filter(update => logged.has(contentOf(update)))
  }

  /** Notes the first promise that was broken: a room would catch what is thrown in its calls, and report it as its own. */
  promise(isKept: boolean, describe: () => string): void {
    if (!isKept) this.#broken ??= new Error(describe())
  }

  /** That `part` is in the log. */
  promiseLogged(part: Held, what: string): void {
    const { logged } = this
    this.promise(logged.has(part), () => `${what} and not in the log: ${logged.lacks(part)}`)
  }

  /** Throws the first promise that was broken, if any was. */
  check(): void {
    if (this.#broken !== null) throw this.#broken
  }
}
