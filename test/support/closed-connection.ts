/**
 * The end of a connection in a server's log, by the document that was open on it: only the line of its beginning names that.
 */
import type { LogLine, ServerProcess } from './server-process.ts'

/** The line of the first connection to `document` that has ended in the way that `matches` says. */
export function closedConnection(
  server: ServerProcess,
  document: string,
  matches: (line: LogLine) => boolean = () => true,
): Promise<LogLine> {
  const onDocument = new Set<unknown>()
  return server.waitForLog(`a connection to ${document} to end`, line => {
    if (line.msg === 'session opened' && line.document === document) onDocument.add(line.connection)
    return line.msg === 'connection closed' && onDocument.has(line.connection) && matches(line)
  })
}
