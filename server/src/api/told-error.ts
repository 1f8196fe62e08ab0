/**
 * An error on its way from a server to the command that asked: its code, and the sentence that the command prints.
 */

import { z } from 'zod'
import { AppError, isErrorCode } from '../foundation/errors.ts'

export const toldError = z.object({ code: z.string(), message: z.string() })
export type ToldError = z.output<typeof toldError>

/** An error that a server told. `code` is of the table of errors, where this Syncline knows it. */
export class RemoteError extends Error {
  override name = 'RemoteError'
  readonly code: string

  constructor({ code, message }: ToldError) {
    super(message)
    this.code = code
  }
}

/** What is told of an error; null for one that nobody foresaw, which belongs into the log. */
export function tellError(error: unknown): ToldError | null {
  if (error instanceof AppError) return { code: error.code, message: `${error.message} ${error.entry.act}` }
  const { code, message } = error instanceof Error ? (error as Error & { code?: unknown }) : {}
  return isErrorCode(code) && message !== undefined ? { code, message } : null
}
