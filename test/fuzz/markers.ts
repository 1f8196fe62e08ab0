/**
 * A text for each document that stands in no other one, and a look at everything that people in a document are sent: whether it has the
 * text of another one.
 */
import { createHash } from 'node:crypto'

const pattern = /marker-([0-9a-f]{16})/g

export class Markers {
  /** Where the text of another document was seen. */
  readonly strays: string[] = []
  /** How many were seen where they belong: none would mean that nobody looked. */
  seen = 0
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  of(document: string): string {
    const hash = createHash('sha256').update(`${this.#seed} ${document}`).digest('hex')
    return `marker-${hash.slice(0, 16)}`
  }

  /** For everything that somebody is sent who is in `document`. */
  inspector(document: string | null): (bytes: Uint8Array) => void {
    return bytes => this.look(document, bytes)
  }

  /** At something that was sent about `document`. */
  look(document: string | null, bytes: Uint8Array): void {
    const own = document === null ? null : this.of(document)
    for (const [found] of Buffer.from(bytes).toString('latin1').matchAll(pattern)) {
      if (found === own) this.seen++
      else this.strays.push(`${found} came to ${document ?? 'nobody in particular'}`)
    }
  }
}
