/**
 * How a command that cannot do its work says so: one line an error on stderr, with its code, what is wrong, and who must
 * act. A program that watches can look for the code, a person can read the rest.
 */
import { AppError, isErrorCode } from '../foundation/errors.ts'

/** One line for people and programs. Only an error that nobody foresaw brings its stack. */
export function startErrorLine(error: unknown): string {
  if (error instanceof AppError) return line(error.code, `${error.message} ${error.entry.act}`)
  const { code, message } = error instanceof Error ? (error as Error & { code?: unknown }) : {}
  // The store tells who must act in its own words (`StoreOpenError`).
  if (isErrorCode(code) && message !== undefined) return line(code, message)
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `syncline: INTERNAL: this was not foreseen. Please report it:\n${stack}\n`
}

function line(code: string, sentence: string): string {
  return `syncline: ${code}: ${sentence.replaceAll(/\s+/g, ' ')}\n`
}
