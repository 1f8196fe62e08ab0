/**
 * Kills a server in the moment in which a Hocuspocus provider says that it has nothing unsaved, again and again, and looks each time
 * whether a newcomer has what was written until then. A function and not a test, so that servers with planted faults can be shown to
 * fail it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Random } from './counts.ts'
import { joinFresh } from './fresh-client.ts'
import { connectHocuspocus, type HocuspocusVersion, hocuspocusVersions } from './hocuspocus-client.ts'
import { type ServerOptions, type ServerProcess, startServer } from './server-process.ts'
import { within } from './wait-until.ts'

const document = 'saved'
const killMsMax = 30_000
/** The kill comes at one of so many moments at which all is saved. */
const momentMax = 8
const editsPerBurstMax = 12

export interface SavedKillPlan extends Pick<ServerOptions, 'imports'> {
  readonly random: Random
  readonly kills: number
  /** Looks at each server that was started. */
  readonly onServer?: (server: ServerProcess) => void
}

export interface SavedKillReport {
  readonly kills: Map<HocuspocusVersion, number>
  /** Edits that were told saved, over all kills. */
  edits: number
  /** What a newcomer lacked after each kill. */
  readonly losses: string[]
}

export async function killWhenSaved(plan: SavedKillPlan): Promise<SavedKillReport> {
  const report: SavedKillReport = { kills: new Map(), edits: 0, losses: [] }
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'syncline-saved-kill-'))
  try {
    for (let kill = 0; kill < plan.kills; kill++) {
      const version = hocuspocusVersions[kill % hocuspocusVersions.length]!
      const written = await writeUntilKilled(plan, dataFolder, { version, mark: `${kill}.` })
      await using server = await start(plan, dataFolder)
      const { doc } = await joinFresh(server.wsUrl, document)
      const text = doc.getText('text').toString()
      const lost = written.filter(one => !text.includes(one))
      if (lost.length > 0) report.losses.push(`kill ${kill} of version ${version}: ${lost.join(' ')}`)
      report.edits += written.length
      report.kills.set(version, (report.kills.get(version) ?? 0) + 1)
      doc.destroy()
    }
    return report
  } finally {
    await rm(dataFolder, { recursive: true, force: true })
  }
}

async function start({ imports = [], onServer }: SavedKillPlan, dataFolder: string): Promise<ServerProcess> {
  const server = await startServer({ dataFolder, imports })
  onServer?.(server)
  return server
}

/** Writes in bursts until the server is killed. Returns what had been written when the provider said that nothing was unsaved. */
async function writeUntilKilled(
  plan: SavedKillPlan,
  dataFolder: string,
  { version, mark }: { readonly version: HocuspocusVersion; readonly mark: string },
): Promise<string[]> {
  const { random } = plan
  await using server = await start(plan, dataFolder)
  using client = connectHocuspocus(version, server.wsUrl, document)
  await client.saved()
  const text = client.doc.getText('text')
  const written: string[] = []
  const write = () => {
    for (let left = 1 + random.below(editsPerBurstMax); left > 0; left--) {
      const one = `<${mark}${written.length}>`
      written.push(one)
      text.insert(random.below(2) === 0 ? 0 : text.length, one)
    }
  }
  let momentsLeft = 1 + random.below(momentMax)
  const killed = new Promise<void>((resolve, reject) => {
    client.provider.on('unsyncedChanges', () => {
      if (client.provider.hasUnsyncedChanges || momentsLeft === 0) return
      momentsLeft--
      if (momentsLeft > 0) setImmediate(write)
      else server.kill().then(resolve, reject)
    })
  })
  write()
  await within('all to be saved so many times, and the server to be gone', killed, {
    timeoutMs: killMsMax,
    found: () => ({ momentsLeft, told: client.told.slice(-10), ends: client.socket.ends }),
  })
  return written
}
