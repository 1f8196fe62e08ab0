/**
 * Says at start how many files the process may have open: each connection is one, and a server that runs out of them can neither take
 * people nor open its store. Node has raised its own limit to the highest that it may have by then.
 */
import type { Settings } from '../foundation/settings-table.ts'
import { spareSockets } from '../http/web-server.ts'
import type { Logger } from '../observe/logger.ts'

/** What the store, the log and the connections to Redis need beside. */
const ownFilesMax = 200

export function tellOpenFiles(
  { limitConnections }: Pick<Settings, 'limitConnections'>,
  logger: Logger,
  filesMax = openFilesMax(),
): void {
  if (filesMax === null) return
  const filesNeeded = limitConnections + spareSockets + ownFilesMax
  logger.event(filesMax < filesNeeded ? 'open files too few' : 'open files', { filesMax, filesNeeded })
}

/** Null where there is no limit, or the system has none to tell of. */
function openFilesMax(): number | null {
  // Otherwise the report looks up the name of each address that the process is connected to.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const filesMax = report.userLimits?.open_files?.soft
  return typeof filesMax === 'number' ? filesMax : null
}
