/**
 * Who is here, parsed. Awareness states come from other people's programs and may hold anything; TipTap's caret plugin
 * believes them (a malformed position throws inside every later transaction, and the editor is dead). So nothing in
 * this page reads the real awareness: this class parses each state when it arrives, and offers what is left in the
 * shape that the plugin expects.
 *
 * Leaves to others: drawing carets (`caret.ts`) and the list of people (`people.tsx`).
 */
import type { Awareness } from 'y-protocols/awareness'
import { parseColor, readableColor } from './color.ts'
import { type Identity, parseName } from './identity.ts'

/** One entry of presence: a browser window, with whoever sits before it. All of it may be shown. */
export interface Person {
  readonly client: number
  readonly name: string
  /** `#rrggbb`, readable on the light and on the dark page. */
  readonly color: string
  /** The colour of text upon it. */
  readonly textColor: string
}

/** A place in the shared text, as Yjs writes it: exactly one of the three says where. */
interface RelativePosition {
  readonly type: StructId | null
  readonly tname: string | null
  readonly item: StructId | null
  readonly assoc: number
}

interface StructId {
  readonly client: number
  readonly clock: number
}

interface VettedState {
  readonly user: Person
  readonly cursor: { readonly anchor: RelativePosition; readonly head: RelativePosition } | null
}

/** Somebody can fill a room with made-up windows; a page draws no more carets and names no more people than this. */
export const peopleShownMax = 200

const nameOfTheUnnamed = 'Somebody'
const colorOfTheUncolored = '#6b7280'

type Change = { readonly added: number[]; readonly updated: number[]; readonly removed: number[] }

export class Presence {
  readonly #awareness: Awareness
  readonly #bodyField: string
  readonly #vetted = new Map<number, VettedState>()
  readonly #listeners = new Set<() => void>()
  #own: Record<string, unknown> | null
  #others: readonly Person[] = []

  /** `bodyField` is the root type whose positions are believed: others are not this editor's. */
  constructor(awareness: Awareness, bodyField: string) {
    this.#awareness = awareness
    this.#bodyField = bodyField
    this.#own = awareness.getLocalState()
    // Registered before any editor exists, so that the caret plugin, which listens too, finds the change parsed.
    awareness.on('change', (change: Change, origin: unknown) => this.#take(change, origin))
  }

  /** Everybody else whose state could be read, in a stable order; the same array until somebody changes. */
  others = (): readonly Person[] => this.#others

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells everybody who sits here. */
  announce(identity: Identity): void {
    this.#awareness.setLocalStateField('user', { name: identity.name, color: identity.color })
  }

  // From here on: what the caret plugins of TipTap and y-tiptap call, and nothing more.

  get states(): ReadonlyMap<number, VettedState> {
    return this.#vetted
  }

  getStates(): ReadonlyMap<number, VettedState> {
    return this.#vetted
  }

  getLocalState(): Record<string, unknown> | null {
    return this.#own
  }

  setLocalStateField(field: string, value: unknown): void {
    // The name and colour are `announce`'s: TipTap would set them again to what they were when the editor was made.
    if (field !== 'user') this.#awareness.setLocalStateField(field, value)
  }

  on(event: 'change' | 'update', listener: () => void): void {
    this.#awareness.on(event, listener)
  }

  off(event: 'change' | 'update', listener: () => void): void {
    this.#awareness.off(event, listener)
  }

  #take({ added, updated, removed }: Change, origin: unknown): void {
    for (const client of removed) this.#vetted.delete(client)
    for (const client of [...added, ...updated]) {
      if (client === this.#awareness.clientID) this.#takeOwn(origin)
      else if (this.#vetted.has(client) || this.#vetted.size < peopleShownMax) {
        this.#vetted.set(client, parseState(client, this.#awareness.getStates().get(client), this.#bodyField))
      }
    }
    this.#others = Array.from(this.#vetted.values(), state => state.user).sort((a, b) => a.client - b.client)
    for (const listener of this.#listeners) listener()
  }

  /** Without authentication anybody can speak for this window; what they say about it is put right at once. */
  #takeOwn(origin: unknown): void {
    if (origin === 'local') this.#own = this.#awareness.getLocalState()
    else this.#awareness.setLocalState(this.#own)
  }
}

function parseState(client: number, state: unknown, bodyField: string): VettedState {
  const user = field(state, 'user')
  const { background, text } = readableColor(parseColor(field(user, 'color')) ?? colorOfTheUncolored)
  const cursor = field(state, 'cursor')
  const anchor = parsePosition(field(cursor, 'anchor'), bodyField)
  const head = parsePosition(field(cursor, 'head'), bodyField)
  return {
    user: {
      client,
      name: parseName(field(user, 'name')) ?? nameOfTheUnnamed,
      color: background,
      textColor: text,
    },
    cursor: anchor && head ? { anchor, head } : null,
  }
}

function parsePosition(value: unknown, bodyField: string): RelativePosition | undefined {
  const stated = field(value, 'assoc')
  const assoc = typeof stated === 'number' && stated < 0 ? -1 : 0
  const item = parseId(field(value, 'item'))
  if (item) return { type: null, tname: null, item, assoc }
  // Yjs would make a new root type of any name that it is told.
  if (field(value, 'tname') === bodyField) return { type: null, tname: bodyField, item: null, assoc }
  const type = parseId(field(value, 'type'))
  return type && { type, tname: null, item: null, assoc }
}

function parseId(value: unknown): StructId | undefined {
  const client = field(value, 'client')
  const clock = field(value, 'clock')
  return isCount(client) && isCount(clock) ? { client, clock } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}
