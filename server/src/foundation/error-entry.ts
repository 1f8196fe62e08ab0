/**
 * What an entry in the table of errors consists of. The table is `errors.ts`.
 */
import type { CloseCode } from '@syncline/shared/wire/close-codes'

export interface ErrorEntry {
  /** The same for each occurrence (the title of a problem, RFC 9457). */
  readonly title: string
  /** What was expected and what came; `{name}` is filled in with what the error was made with. */
  readonly detail: string
  /** Who must do what. */
  readonly act: string
  /** The HTTP status, or null for what is never told over HTTP. */
  readonly status: number | null
  /** The WebSocket close code where it is told over an open WebSocket. */
  readonly close: CloseCode | null
  /** Whether the same attempt may succeed later without anybody changing anything. */
  readonly retry: boolean
}

/** Keeps the exact text of the detail, from which follows what it has to be filled in with. */
export const entry = <const Entry extends ErrorEntry>(error: Entry): Entry => error

/** What a start that failed says on stderr: it has no HTTP answer and ends the process with exit code 1. */
export const startError = <const Detail extends string>(title: string, detail: Detail, act: string) =>
  entry({ title, detail, act, status: null, close: null, retry: false })
