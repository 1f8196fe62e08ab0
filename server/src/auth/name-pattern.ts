/**
 * Patterns for names of documents: `*` matches any run of characters, also none and `/` included; nothing else is special.
 *
 * A pattern comes with a token, so its cost must not depend on what is in it: it is looked for piece by piece, each where it
 * is found first, in time that grows with the two lengths added and not multiplied.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const [first, ...rest] = pattern.split('*') as [string, ...string[]]
  const last = rest.pop()
  if (last === undefined) return name === pattern
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false
  const end = name.length - last.length
  let at = first.length
  for (const piece of rest) {
    at = endOfFirst(piece, name, { from: at, to: end })
    if (at === -1) return false
  }
  return true
}

/** Where the first `piece` between `from` and `to` ends, or -1 (Knuth, Morris, Pratt). */
function endOfFirst(piece: string, name: string, { from, to }: { from: number; to: number }): number {
  if (piece === '') return from
  const borders = bordersOf(piece)
  let matched = 0
  for (let at = from; at < to; at++) {
    while (matched > 0 && piece[matched] !== name[at]) matched = borders[matched - 1]!
    if (piece[matched] === name[at]) matched++
    if (matched === piece.length) return at + 1
  }
  return -1
}

/** How long the longest beginning is with which each prefix of `piece` also ends. */
function bordersOf(piece: string): Uint32Array {
  const borders = new Uint32Array(piece.length)
  let length = 0
  for (let at = 1; at < piece.length; at++) {
    while (length > 0 && piece[length] !== piece[at]) length = borders[length - 1]!
    if (piece[length] === piece[at]) length++
    borders[at] = length
  }
  return borders
}
