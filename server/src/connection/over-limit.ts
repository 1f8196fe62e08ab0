/**
 * What comes of asking for something of which there is only so much: one of them, to be given back, or the limit that it was.
 */
import type { AppError } from '../foundation/errors.ts'
import type { LimitName } from '../foundation/settings-table.ts'

export interface OverLimit {
  readonly ok: false
  /** The setting, for the metric. */
  readonly limit: LimitName
  /** For whoever is refused. */
  readonly refusal: AppError
}

export type Taken =
  /** To be released when whoever has taken it is gone; again does nothing. */
  { readonly ok: true; readonly release: () => void } | OverLimit

export function overLimit(limit: LimitName, refusal: AppError): OverLimit {
  return { ok: false, limit, refusal }
}
