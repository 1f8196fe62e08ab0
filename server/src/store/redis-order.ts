/**
 * Keeps the order of what is asked about one document, where it takes several steps in Redis: one script is in order by itself.
 *
 * `turn` is for what makes or removes a document: everything that is asked for afterwards waits for it. `aside` is for what takes
 * long and may be overtaken, such as putting a base in place: only turns and other such things wait for it.
 */
export class DocumentOrder {
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #asides = new Map<string, Promise<unknown>>()

  /** Resolves when nothing stands before a single script any more; undefined where nothing does. */
  before(document: string): Promise<unknown> | undefined {
    return this.#turns.get(document)
  }

  turn<T>(document: string, work: () => Promise<T>): Promise<T> {
    return this.#after(document, this.#turns, work)
  }

  aside<T>(document: string, work: () => Promise<T>): Promise<T> {
    return this.#after(document, this.#asides, work)
  }

  #after<T>(document: string, line: Map<string, Promise<unknown>>, work: () => Promise<T>): Promise<T> {
    const before = Promise.all([this.#turns.get(document), this.#asides.get(document)])
    const done = before.then(work)
    const settled = done.then(noop, noop)
    line.set(document, settled)
    void settled.then(() => {
      if (line.get(document) === settled) line.delete(document)
    })
    return done
  }
}

function noop(): void {}
