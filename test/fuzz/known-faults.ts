/**
 * Faults of the server that the fuzzer has found and that are still there (docs/fuzzing.md). Each has a named test in `found.test.ts`,
 * which fails once it is mended; then it is to be taken away here, too.
 */
import type { LogLine } from '../support/server-process.ts'

export const knownFaults = {
  'a path below /api that is none, where the demo is built': 'src/http/demo.ts',
  'a body that is sent in chunks': 'hono/dist/middleware/body-limit',
  'a body of which the end never comes': 'abortIncoming',
} as const

/** By where the error that is logged was thrown. */
export function isKnownFault({ msg, error }: LogLine): boolean {
  const thrown = JSON.stringify(error ?? '')
  return msg === 'request failed' && Object.values(knownFaults).some(where => thrown.includes(where))
}
