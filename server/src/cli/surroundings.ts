/**
 * What a command has of the process around it, handed in so that tests can stand around it instead.
 */
import type { Settings } from '../foundation/settings-table.ts'
import type { OpenedOperations } from './operate.ts'

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly stdout: (text: string | Uint8Array) => void
  readonly stderr: (text: string) => void
  /** Whether a person looks at what is written there. */
  readonly isTerminal: { readonly stdout: boolean; readonly stderr: boolean }
  /** Serves until it is told to stop; the exit code. */
  readonly serve: (settings: Settings) => Promise<number>
  /** Redis where it is named; else the server that holds the data folder, or the folder itself. */
  readonly openStore: (settings: Settings) => Promise<OpenedOperations>
}
