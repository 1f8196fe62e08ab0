/**
 * An end for what may never answer.
 */
import type { Clock } from './clock.ts'

/** It took longer than it may. */
export class DeadlinePassed extends Error {
  override name = 'DeadlinePassed'

  constructor(ms: number) {
    super(`there was no answer within ${ms} ms`)
  }
}

/** What `work` gives, or a rejection with `DeadlinePassed` after `ms`. Then the signal tells the work to stop, and nobody waits for it. */
export async function withDeadline<T>(
  { clock, ms }: { readonly clock: Clock; readonly ms: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const late = Promise.withResolvers<never>()
  const cancel = clock.after(ms, () => {
    const passed = new DeadlinePassed(ms)
    controller.abort(passed)
    late.reject(passed)
  })
  try {
    return await Promise.race([work(controller.signal), late.promise])
  } finally {
    cancel()
  }
}
