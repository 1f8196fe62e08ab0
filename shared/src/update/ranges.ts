/**
 * Sorted, disjoint, half-open clock ranges: `[from, to, from, to, ...]` in one flat array of numbers.
 */
export type Ranges = number[]
/** Ranges per client id. Ids are up to 2^53 - 1 (Yjs 14). */
export type ClientRanges = Map<number, Ranges>
