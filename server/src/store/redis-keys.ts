import { hash } from 'node:crypto'

/**
 * Names everything that Syncline keeps in Redis.
 *
 * All keys of a document and its channel have one hash tag, so that a Cluster keeps them on one node and one script can
 * change them together. The tag is a hash of the name, because a name may hold braces, of which Redis would cut its own tag,
 * and may be long.
 */

/** 1 is the format of what is stored: a format that older versions cannot read gets a prefix of its own. */
const prefix = 'syncline:1:'
const tagHexDigits = 32

/** Every document's name, sorted by its bytes. It may name a document that is not there, never the other way round. */
export const namesKey = `${prefix}names`

/** Hash of what was revoked of tokens, by what it concerns. */
export const revocationsKey = `${prefix}revocations`

export interface DocumentKeys {
  /** The channel, and the beginning of every key of the document. */
  readonly channel: string
  /** Stream of the entries after the base. */
  readonly log: string
  /** Hash of name, epoch and the numbers of the base. There while the document is. */
  readonly meta: string
  /** List of former epochs, each followed by what it had. */
  readonly former: string
  /** Who compacts. */
  readonly lease: string
}

/** The sharded channel on which a document's instances hear of each other. */
export function channelOf(document: string): string {
  return `${prefix}{${hash('sha256', document, 'hex').slice(0, tagHexDigits)}}`
}

export function keysOf(document: string): DocumentKeys {
  const channel = channelOf(document)
  return {
    channel,
    log: `${channel}:log`,
    meta: `${channel}:meta`,
    former: `${channel}:former`,
    lease: `${channel}:lease`,
  }
}

/** Hash of one base: its pieces by number, and what goes with them. Scripts make the same name. */
export function baseKey({ channel }: DocumentKeys, generation: number): string {
  return `${channel}:base:${generation}`
}
