/**
 * Sets of clocks as sorted, disjoint, half-open ranges, and the arithmetic that the gate does with them.
 *
 * Everything here is linear in its operands or better, since the operands come from the outside: a delete set of
 * 100,000 ranges must not cost a room its event loop. What the ranges mean (held, deleted, wanted) is the caller's.
 */

/**
 * Sorted, disjoint, half-open clock ranges: `[from, to, from, to, ...]` in one flat array of numbers.
 * Neighbours never touch: `[0, 5)` and `[5, 9)` are kept as `[0, 9)`, so equal sets are equal arrays.
 */
export type Ranges = number[]
/** Ranges per client id. Ids are up to 2^53 - 1 (Yjs 14). */
export type ClientRanges = Map<number, Ranges>

/** At most this many ranges are added one by one, each with its own search; more are merged in one linear pass. */
const addOneByOneMax = 8

/** Adds `[from, to)` in place. An empty range adds nothing. */
export function addRange(ranges: Ranges, from: number, to: number): void {
  if (from >= to) return
  const n = ranges.length
  if (n === 0 || from > ranges[n - 1]!) {
    ranges.push(from, to)
    return
  }
  if (from >= ranges[n - 2]!) {
    if (to > ranges[n - 1]!) ranges[n - 1] = to
    return
  }
  // [first, last) are the ranges that overlap or touch the new one; they all become one.
  const first = firstEndingAtOrAfter(ranges, from)
  let last = first
  while (last < n && ranges[last]! <= to) last += 2
  if (last === first) {
    ranges.splice(first, 0, from, to)
    return
  }
  ranges[first] = Math.min(from, ranges[first]!)
  ranges[first + 1] = Math.max(to, ranges[last - 1]!)
  if (last > first + 2) ranges.splice(first + 2, last - first - 2)
}

/** Whether all of `[from, to)` is in `ranges`. An empty range always is. */
export function contains(ranges: Ranges, from: number, to: number): boolean {
  if (from >= to) return true
  const at = firstEndingAtOrAfter(ranges, to)
  return at < ranges.length && ranges[at]! <= from
}

/** What is in `a` and not in `b`, as a new array. */
export function subtractRanges(a: Ranges, b: Ranges): Ranges {
  const rest: Ranges = []
  let j = a.length === 0 ? 0 : firstEndingAtOrAfter(b, a[0]!)
  for (let i = 0; i < a.length; i += 2) {
    let from = a[i]!
    const to = a[i + 1]!
    while (j < b.length && b[j + 1]! <= from) j += 2
    while (j < b.length && b[j]! < to) {
      if (b[j]! > from) rest.push(from, b[j]!)
      from = b[j + 1]!
      if (from >= to) break
      j += 2
    }
    if (from < to) rest.push(from, to)
  }
  return rest
}

/** What is in both, as a new array. */
export function intersectRanges(a: Ranges, b: Ranges): Ranges {
  const both: Ranges = []
  let j = a.length === 0 ? 0 : firstEndingAtOrAfter(b, a[0]!)
  for (let i = 0; i < a.length; i += 2) {
    const to = a[i + 1]!
    while (j < b.length && b[j + 1]! <= a[i]!) j += 2
    while (j < b.length && b[j]! < to) {
      both.push(Math.max(a[i]!, b[j]!), Math.min(to, b[j + 1]!))
      // A range of `b` that reaches past this one of `a` may meet the next one too.
      if (b[j + 1]! > to) break
      j += 2
    }
  }
  return both
}

/** What is in either, as a new array. */
export function uniteRanges(a: Ranges, b: Ranges): Ranges {
  const union: Ranges = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const takeA = j >= b.length || (i < a.length && a[i]! <= b[j]!)
    // Handed over in order of their starts, every range is either new at the end or grows the last one.
    if (takeA) {
      addRange(union, a[i]!, a[i + 1]!)
      i += 2
    } else {
      addRange(union, b[j]!, b[j + 1]!)
      j += 2
    }
  }
  return union
}

/** What is in `a` and not in `b`; clients of which nothing is left do not appear. */
export function subtractClientRanges(a: ClientRanges, b: ClientRanges): ClientRanges {
  const rest: ClientRanges = new Map()
  for (const [client, ranges] of a) {
    const known = b.get(client)
    const left = known === undefined ? ranges.slice() : subtractRanges(ranges, known)
    if (left.length > 0) rest.set(client, left)
  }
  return rest
}

/** Adds all of `from` to `into`, in place. No array is shared between the two afterwards. */
export function addClientRanges(into: ClientRanges, from: ClientRanges): void {
  for (const [client, ranges] of from) {
    const held = into.get(client)
    if (held === undefined) {
      if (ranges.length > 0) into.set(client, ranges.slice())
    } else if (ranges.length <= 2 * addOneByOneMax) {
      for (let i = 0; i < ranges.length; i += 2) addRange(held, ranges[i]!, ranges[i + 1]!)
    } else {
      into.set(client, uniteRanges(held, ranges))
    }
  }
}

/** Whether everything in `part` is in `whole`. */
export function containsClientRanges(whole: ClientRanges, part: ClientRanges): boolean {
  for (const [client, ranges] of part) {
    const held = whole.get(client)
    if (held === undefined) {
      if (ranges.length > 0) return false
      continue
    }
    for (let i = 0; i < ranges.length; i += 2) {
      if (!contains(held, ranges[i]!, ranges[i + 1]!)) return false
    }
  }
  return true
}

/** Whether both hold the same clocks. An entry without ranges counts as no entry. */
export function equalClientRanges(a: ClientRanges, b: ClientRanges): boolean {
  return containsClientRanges(a, b) && containsClientRanges(b, a)
}

/** Index of the first range that ends at or after `clock`; `ranges.length` when there is none. */
export function firstEndingAtOrAfter(ranges: Ranges, clock: number): number {
  let low = 0
  let high = ranges.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[2 * middle + 1]! < clock) low = middle + 1
    else high = middle
  }
  return 2 * low
}
