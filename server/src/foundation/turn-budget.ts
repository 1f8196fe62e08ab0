/**
 * Lets much be done without holding up the event loop: whoever has spent the budget of one turn goes on in a later one, in
 * order. One budget is shared by all who do the same kind of work.
 */
export class TurnBudget {
  readonly #perTurn: number
  readonly #waiting: { readonly amount: number; readonly go: () => void }[] = []
  #left: number
  #scheduled = false

  constructor(perTurn: number) {
    this.#perTurn = perTurn
    this.#left = perTurn
  }

  /** How many wait for a later turn. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Undefined where `amount` could be taken at once; otherwise resolves in the turn in which it is. */
  spend(amount: number): Promise<void> | undefined {
    this.#schedule()
    if (this.#left > 0 && this.#waiting.length === 0) {
      this.#left -= amount
      return undefined
    }
    return new Promise(go => this.#waiting.push({ amount, go }))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#scheduled = false
    this.#left = this.#perTurn
    while (this.#left > 0 && this.#waiting.length > 0) {
      const { amount, go } = this.#waiting.shift()!
      this.#left -= amount
      go()
    }
    if (this.#waiting.length > 0) this.#schedule()
  }
}
