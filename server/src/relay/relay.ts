/**
 * The contract of the relay: what is appended to a document, and who is there, reaches the other instances at once.
 *
 * It may lose what it carries, and may bring it late, twice, or in another order: rooms follow the log itself, by its seqs
 * and links, and read there what they miss (`room/following.ts`). So nothing is lost with a relay, only time.
 */
import type { StoredEntry } from '../store/entry.ts'
import type { End } from '../store/update-log.ts'

/** What a room hears of its document. Calls must not throw. */
export interface RelayListener {
  /** Another instance has appended these, in order. */
  entries(entries: readonly StoredEntry[]): void
  /** Another instance has appended something, up to here: more than is carried along, so it has to be read. */
  appended(end: End): void
  /** The base under the log is another one. */
  baseReplaced(): void
  /** The document is another one under the same name, or none any more. */
  epochEnded(): void
  /** Presence of the members of another instance; `whole`: of all of them, so whoever is not named is not there. */
  presence(instance: string, awareness: Uint8Array, whole: boolean): void
  /** Another instance wants to know who is here. */
  presenceAsked(): void
  /** Somebody at another instance has said this to all of the document. */
  stateless(payload: string): void
  /** What was carried before this may have been missed: the subscription began, or began again. */
  subscribed(): void
}

/** One room's ear and voice. What is said while the relay is away is lost. */
export interface RelayChannel {
  sayPresence(awareness: Uint8Array, whole: boolean): void
  askPresence(): void
  sayStateless(payload: string): void
  leave(): void
}

export interface Relay {
  join(document: string, listener: RelayListener): RelayChannel
  close(): Promise<void>
}
