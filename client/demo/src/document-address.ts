/**
 * Which document a page is about. The page is served at `/`, or in the folder that is the server's base path, so its address carries the name
 * in the query (`/?document=calm-otter-4f7k2q`); the socket carries it in its path (`ws://host/calm-otter-4f7k2q`).
 *
 * Leaves to others: opening the document, and putting a new name into the browser's history.
 */

/** The server takes names up to this many bytes of UTF-8. */
const documentNameBytesMax = 1_024

/** What the address of a page says about its document. */
export type DocumentAddress =
  | { readonly kind: 'named'; readonly document: string }
  | { readonly kind: 'unnamed' }
  | { readonly kind: 'unusable'; readonly reason: string }

/** Reads the name out of the query of an address; the query is whatever somebody pasted. */
export function readDocumentAddress(search: string): DocumentAddress {
  const document = new URLSearchParams(search).get('document')
  if (document === null || document === '') return { kind: 'unnamed' }
  // A URL parser takes `.` and `..` out of a path, also when they are percent-encoded: no socket could name them.
  if (document === '.' || document === '..')
    return { kind: 'unusable', reason: 'no document can have this name' }
  if (!document.isWellFormed()) return { kind: 'unusable', reason: 'the name holds half a character' }
  if (new TextEncoder().encode(document).length > documentNameBytesMax) {
    return { kind: 'unusable', reason: `the name is longer than ${documentNameBytesMax} bytes` }
  }
  return { kind: 'named', document }
}

/** The query that leads to a document. */
export function documentQuery(document: string): string {
  return `?${new URLSearchParams({ document })}`
}

/** The complete link to a document on the host that this page came from. */
export function documentLink(document: string, location: Location): string {
  return `${location.origin}${location.pathname}${documentQuery(document)}`
}

type PageLocation = Pick<Location, 'protocol' | 'host' | 'pathname'>

/** Where the sockets of this page go: its own host and folder, encrypted if the page is. */
export function socketAddress(location: PageLocation): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${pageFolder(location)}`
}

/** The folder of a page without a slash at its end: nothing at `/`, `/collab` at `/collab/`. */
export function pageFolder({ pathname }: Pick<Location, 'pathname'>): string {
  return pathname.slice(0, pathname.lastIndexOf('/'))
}

/** The path segment for a name. `y-websocket` puts it into the URL as it is, so it has to be encoded before. */
export function documentPath(document: string): string {
  return encodeURIComponent(document)
}

const moods =
  'amber brave bright calm clear coral crisp early fair gentle golden green hazel ivory kind light lucid mellow mild misty open pale plain quick quiet rosy silver smooth soft still sunny swift tidy vivid warm wild'.split(
    ' ',
  )
const places =
  'basin bay beach bluff brook canyon cliff cove creek delta dune fell field fjord forest garden glade glen grove harbor heath hill island lagoon lake meadow mesa moor orchard pass peak pond prairie reef ridge river shore spring strait summit vale valley'.split(
    ' ',
  )
/** Without characters that look alike, so that a name can be read aloud. */
const suffixAlphabet = '23456789abcdefghjkmnpqrstuvwxyz'
const suffixCharacters = 8

/**
 * A name nobody has used: two words to recognise it by, and 8 characters (40 bits) so that it cannot be guessed —
 * without authentication the name is all that keeps strangers out.
 */
export function freshDocumentName(): string {
  const random = crypto.getRandomValues(new Uint32Array(2 + suffixCharacters))
  const pick = <T>(from: ArrayLike<T>, at: number): T => from[random[at]! % from.length]!
  const suffix = Array.from({ length: suffixCharacters }, (_, at) => pick(suffixAlphabet, 2 + at)).join('')
  return `${pick(moods, 0)}-${pick(places, 1)}-${suffix}`
}
