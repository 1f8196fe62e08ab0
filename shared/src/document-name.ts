/**
 * The name of a document, as it stands in the path of a WebSocket URL: `ws://host:1234/<name>?ignored`.
 *
 * A name is any text of at most so many bytes: slashes, spaces, emoji, `__proto__`, `100%` are ordinary. It is compared
 * exactly, never normalised, so `é` in one code point and in two are two documents. The query is never part of it.
 *
 * Stock clients put the name into the URL unencoded and let the URL parser do the rest, so `ü` arrives as `%C3%BC`, but
 * `100%` and an `%41` that the name had itself arrive as they are. Hence decoding is tolerant: each run of `%XX` that
 * forms valid UTF-8 is decoded once, every other is kept as it came. `x/y` and `x%2Fy` are therefore one document.
 */
export type DocumentName =
  | { readonly ok: true; readonly name: string }
  /** `reason` is one sentence: what was expected and what came. */
  | { readonly ok: false; readonly reason: string }

/** `ignoreBOM`, or the decoder would silently drop a U+FEFF and two names became one. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf8 = new TextEncoder()

/**
 * The document that a request target (`/path?query`) names. Nothing is named by `/`: with stock clients that is a room
 * name that somebody forgot, and all who forgot it would find themselves in one document.
 */
export function documentNameFromPath(requestTarget: string, bytesMax: number): DocumentName {
  if (!requestTarget.startsWith('/')) return refused('a path that begins with a slash was expected')
  const queryStart = requestTarget.indexOf('?')
  const path = requestTarget.slice(1, queryStart === -1 ? undefined : queryStart)
  if (path === '') return refused('it is empty: the name is what follows the first slash of the URL')
  const name = path.replace(/(?:%[0-9a-f]{2})+/gi, decodeRun)
  const bytes = utf8.encode(name).length
  if (bytes > bytesMax) return refused(`it has ${bytes} bytes of UTF-8, at most ${bytesMax} are allowed`)
  return { ok: true, name }
}

function decodeRun(run: string): string {
  const bytes = Uint8Array.from(run.slice(1).split('%'), hex => Number.parseInt(hex, 16))
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return run
  }
}

function refused(reason: string): DocumentName {
  return { ok: false, reason }
}
