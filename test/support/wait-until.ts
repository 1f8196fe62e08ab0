/**
 * Waiting for a condition, with an end.
 *
 * Tests do not sleep and hope: they name what they wait for. When it does not come, the failure says what was missing and
 * what was there instead, since "timed out" alone sends people to read the test.
 */

/** How long a test waits unless it says otherwise. Generous: two cores are shared by everything that runs. */
export const waitMsDefault = 20_000
const pollIntervalMs = 10

export interface Waiting {
  readonly timeoutMs?: number
  /** Called once when the wait ends in vain: what is there instead, for the failure message. */
  readonly found?: () => unknown
}

/** Polls until `condition` gives something truthy, and returns that. A condition that throws is not yet fulfilled. */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = waitMsDefault, found }: Waiting = {},
): Promise<NonNullable<T>> {
  const endMs = performance.now() + timeoutMs
  let thrown: unknown
  for (;;) {
    try {
      const result = await condition()
      if (result) return result
      thrown = undefined
    } catch (error) {
      thrown = error
    }
    if (performance.now() >= endMs) break
    await new Promise(resolve => setTimeout(resolve, pollIntervalMs))
  }
  throw new Error(describeFailure(what, timeoutMs, found), { cause: thrown })
}

/** A promise with an end: rejects with a sentence that names what did not come. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  { timeoutMs = waitMsDefault, found }: Waiting = {},
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(describeFailure(what, timeoutMs, found))), timeoutMs)
  })
  try {
    return await Promise.race([promise, end])
  } finally {
    clearTimeout(timer)
  }
}

function describeFailure(what: string, timeoutMs: number, found: (() => unknown) | undefined): string {
  const instead = found === undefined ? '' : `; instead there is ${shorten(found())}`
  return `waited ${timeoutMs} ms in vain for ${what}${instead}`
}

function shorten(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  const charactersMax = 2_000
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}… (${text.length} characters)`
}
