import type { UpdateLog } from '@syncline/server/internal/store/update-log'

/**
 * What the suites want of a variant of the log.
 */
export interface LogVariant {
  readonly name: string
  /** Others may write to the same store, so only one at a time may compact. */
  readonly isShared?: boolean
  /** An empty log, and what a test needs to open it again or throw it away. */
  open(): Promise<OpenedLog>
}

export interface OpenedLog {
  log: UpdateLog
  /** Closes the log and opens what it has left, if the variant leaves anything. */
  readonly reopen?: () => Promise<UpdateLog>
  readonly remove: () => Promise<void>
}

/** An empty log, thrown away after the test. */
export type Open = () => Promise<UpdateLog>
