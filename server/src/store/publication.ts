/**
 * The bytes that instances publish to each other on a document's channel.
 *
 * Publication, version 1 (numbers are big endian):
 *
 *     version (1 byte) · kind (1 byte) · instance (8 bytes) · then by kind:
 *     1 entries          first seq (8) · previous link (8) · then each: link (8) · length of body (4) · body
 *     2 appended         seq (8) · link (8)
 *     3 base replaced, 4 epoch ended, 6 presence asked    nothing
 *     5 presence         1 if it is of all members of that instance, else 0 (1 byte) · awareness
 *     7 stateless text   UTF-8
 *
 * Versions run side by side: a kind or a version that is not known is passed over. Kinds 1 to 4 are published by the same
 * script that changed the log (`redis-scripts.ts`), which puts together the same bytes.
 */
import { decodeEntry, type StoredEntry } from './entry.ts'
import type { End } from './update-log.ts'

/** `instance` is who published it: 16 hex digits. */
export type Publication = { readonly instance: string } & (
  | { readonly kind: 'entries'; readonly entries: readonly StoredEntry[] }
  /** More than is carried along, or it could not be decoded: the log has it. */
  | { readonly kind: 'appended'; readonly end: End }
  | { readonly kind: 'base-replaced' | 'epoch-ended' | 'presence-asked' }
  | { readonly kind: 'presence'; readonly whole: boolean; readonly awareness: Uint8Array }
  | { readonly kind: 'stateless'; readonly payload: string }
)

const version = 1
/** A number is never given to another kind. */
const kindNumbers = {
  entries: 1,
  appended: 2,
  'base-replaced': 3,
  'epoch-ended': 4,
  presence: 5,
  'presence-asked': 6,
  stateless: 7,
} as const

type Kind = keyof typeof kindNumbers

const headBytes = 10
const linkBytes = 8

/** The beginning of a publication; scripts get it from here. `instance` is 16 hex digits. */
export function publicationHead(kind: Kind, instance: string): Buffer {
  return Buffer.from(`${hexByte(version)}${hexByte(kindNumbers[kind])}${instance}`, 'hex')
}

export function encodePresence(instance: string, awareness: Uint8Array, whole: boolean): Buffer {
  return Buffer.concat([publicationHead('presence', instance), Buffer.of(whole ? 1 : 0), awareness])
}

export function encodePresenceAsked(instance: string): Buffer {
  return publicationHead('presence-asked', instance)
}

export function encodeStateless(instance: string, payload: string): Buffer {
  return Buffer.concat([publicationHead('stateless', instance), Buffer.from(payload)])
}

/** Whether `instance` (8 bytes) published it, without decoding it. */
export function isPublishedBy(instance: Buffer, bytes: Buffer): boolean {
  return bytes.length >= headBytes && bytes.compare(instance, 0, instance.length, 2, headBytes) === 0
}

/** What was published, or null for what cannot be understood. Never throws. What it gives are views of `bytes`. */
export function decodePublication(bytes: Buffer): Publication | null {
  if (bytes.length < headBytes || bytes[0] !== version) return null
  const instance = bytes.toString('hex', 2, headBytes)
  const rest = bytes.subarray(headBytes)
  switch (bytes[1]) {
    case kindNumbers.entries:
      return decodeEntries(instance, rest)
    case kindNumbers.appended:
      return rest.length < 8 + linkBytes
        ? null
        : { instance, kind: 'appended', end: { seq: readSeq(rest, 0), link: readLink(rest, 8) } }
    case kindNumbers['base-replaced']:
      return { instance, kind: 'base-replaced' }
    case kindNumbers['epoch-ended']:
      return { instance, kind: 'epoch-ended' }
    case kindNumbers.presence:
      return rest.length < 1
        ? null
        : { instance, kind: 'presence', whole: rest[0] === 1, awareness: rest.subarray(1) }
    case kindNumbers['presence-asked']:
      return { instance, kind: 'presence-asked' }
    case kindNumbers.stateless:
      return { instance, kind: 'stateless', payload: rest.toString() }
    default:
      return null
  }
}

/** Entries of which one cannot be decoded are as if they had not been carried: whoever reads the log is told the reason. */
function decodeEntries(instance: string, bytes: Buffer): Publication | null {
  const bodies: { end: End; previousLink: string; body: Buffer }[] = []
  if (bytes.length < 8 + linkBytes) return null
  let seq = readSeq(bytes, 0)
  let previousLink = readLink(bytes, 8)
  let at = 8 + linkBytes
  while (at < bytes.length) {
    const bodyAt = at + linkBytes + 4
    if (bodyAt > bytes.length) return null
    const link = readLink(bytes, at)
    at = bodyAt + bytes.readUInt32BE(bodyAt - 4)
    if (at > bytes.length) return null
    bodies.push({ end: { seq, link }, previousLink, body: bytes.subarray(bodyAt, at) })
    seq += 1
    previousLink = link
  }
  const last = bodies.at(-1)
  if (last === undefined) return null
  try {
    const entries = bodies.map(({ end, previousLink, body }) =>
      decodeEntry(body, end.seq, end.link, previousLink),
    )
    return { instance, kind: 'entries', entries }
  } catch {
    return { instance, kind: 'appended', end: last.end }
  }
}

function readSeq(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64BE(at))
}

function readLink(bytes: Buffer, at: number): string {
  return bytes.toString('hex', at, at + linkBytes)
}

function hexByte(number: number): string {
  return number.toString(16).padStart(2, '0')
}
