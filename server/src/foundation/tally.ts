/**
 * How many of something there are, in all and from each address; a program of this machine counts for the former only. An address
 * from which there is none is forgotten.
 */

export interface CountedAddress {
  /** What is counted: the address, or the network that stands for it. */
  readonly counted: string
  /** A program of this machine. */
  readonly isLocal: boolean
}

export type Counted =
  /** Gives it back, once however often it is called. */
  | { readonly ok: true; readonly release: () => void }
  /** Of which there are as many as there may be. */
  | { readonly ok: false; readonly full: 'all' | 'address' }

export interface TallyLimits {
  readonly max: number
  readonly perAddressMax: number
}

export class Tally {
  readonly #limits: TallyLimits
  readonly #perAddress = new Map<string, number>()
  #all = 0

  constructor(limits: TallyLimits) {
    this.#limits = limits
  }

  get all(): number {
    return this.#all
  }

  /** Addresses from which there is at least one. */
  get addresses(): number {
    return this.#perAddress.size
  }

  take({ counted, isLocal }: CountedAddress): Counted {
    const { max, perAddressMax } = this.#limits
    if (this.#all >= max) return { ok: false, full: 'all' }
    if (!isLocal && this.#of(counted) >= perAddressMax) return { ok: false, full: 'address' }
    const address = isLocal ? null : counted
    this.#add(address, 1)
    let isTaken = true
    return {
      ok: true,
      release: () => {
        if (isTaken) this.#add(address, -1)
        isTaken = false
      },
    }
  }

  #of(address: string): number {
    return this.#perAddress.get(address) ?? 0
  }

  #add(address: string | null, change: 1 | -1): void {
    this.#all += change
    if (address === null) return
    const count = this.#of(address) + change
    if (count === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, count)
  }
}
