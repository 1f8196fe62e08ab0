/**
 * In which form somebody is told that they are not let in. An HTTP status before the handshake costs least, and a browser shows it to
 * nobody: a stock client there would come back for ever. A close code after it stops stock clients for good.
 */
import type { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'

export type RefusalForm =
  /** Before the handshake. */
  | 'http'
  /** After it, once the first frame has shown how the client wants to be spoken to. */
  | 'close'

/** Not valid, or nobody could tell: that holds for every document, however the client goes on. */
const statusesOfTokens: readonly (number | null)[] = [401, 503]

export function refusalForm(
  setting: Settings['authRefusal'],
  refusal: AppError,
  visitor: { readonly origin: string | null; readonly token: string | null },
): RefusalForm {
  if (setting !== 'auto') return setting
  // Who brings none may still bring one in the framing; who brings a good one may want other documents than the path's.
  const isFinal = visitor.token !== null && statusesOfTokens.includes(refusal.entry.status)
  return isFinal && visitor.origin === null ? 'http' : 'close'
}
