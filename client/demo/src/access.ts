/**
 * What whoever sits here may do with the document, as the server says it (`GET api/whoami`). A socket tells a page only that it was
 * closed, and nothing at all about what it may write.
 *
 * Leaves to others: the token (`token.ts`), and everything that is seen.
 */
import { parseColor } from './color.ts'
import { pageFolder } from './document-address.ts'
import { type Identity, parseName } from './identity.ts'

export interface Access {
  readonly mayWrite: boolean
  /** Whom the token names: what others see, whatever this page says of itself. A part that it leaves out is the page's. */
  readonly user: Partial<Identity> | null
  /** Why the document is not opened, in the server's words. */
  readonly refusal: string | null
}

/** Until the server has said otherwise: writing works from the first moment on. */
const notAsked: Access = { mayWrite: true, user: null, refusal: null }
/** A grant may become less without the page being told. */
const askAgainMs = 30_000

/** Asks, and is read by React (`useSyncExternalStore`). */
export class AccessWatch {
  readonly #document: string
  readonly #listeners = new Set<() => void>()
  #token: string | null
  #access = notAsked

  constructor(document: string, token: string | null) {
    this.#document = document
    this.#token = token
    setInterval(() => this.#token !== null && void this.ask(), askAgainMs)
  }

  /** The same object until it changes. */
  access = (): Access => this.#access

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  setToken(token: string): void {
    this.#token = token
  }

  /** Where the server cannot be asked, what it said before holds. */
  async ask(): Promise<void> {
    const query = new URLSearchParams({ document: this.#document })
    const headers: HeadersInit = this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` }
    try {
      const response = await fetch(`${pageFolder(location)}/api/whoami?${query}`, { headers })
      const answer: unknown = await response.json()
      this.#become(response.ok ? grantedBy(answer) : { ...notAsked, refusal: textOf(answer, 'detail') })
    } catch {
      // Offline, or a server of another make.
    }
  }

  #become(access: Access): void {
    if (JSON.stringify(access) === JSON.stringify(this.#access)) return
    this.#access = access
    for (const listener of this.#listeners) listener()
  }
}

function grantedBy(answer: unknown): Access {
  const user = fieldOf(answer, 'user')
  const name = parseName(fieldOf(user, 'name') ?? fieldOf(user, 'id'))
  const color = parseColor(fieldOf(user, 'color'))
  return {
    mayWrite: fieldOf(answer, 'access') !== 'read',
    user: name === undefined ? null : { name, ...(color === undefined ? {} : { color }) },
    refusal: null,
  }
}

function textOf(value: unknown, name: string): string | null {
  const text = fieldOf(value, name)
  return typeof text === 'string' ? text : null
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}
