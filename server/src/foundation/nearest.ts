/**
 * The word that somebody probably meant, for "did you mean".
 */

/** The candidate with the fewest changed letters, or null if none is near. Letters are compared without case. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const changesMax = Math.max(2, Math.floor(word.length / 3))
  let best: string | null = null
  let bestChanges = changesMax + 1
  for (const candidate of candidates) {
    const changes = changesBetween(word.toLowerCase(), candidate.toLowerCase())
    if (changes < bestChanges) [best, bestChanges] = [candidate, changes]
  }
  return best
}

/** Letters inserted, removed or replaced (Levenshtein). */
function changesBetween(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current[j] = Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1)
    }
    previous = current
  }
  return previous[b.length]!
}
