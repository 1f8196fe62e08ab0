/**
 * Kills a server under people who type, again and again, and looks after each kill for everything that anybody had been shown or
 * told is saved. A function and not a test, so that servers with planted faults can be shown to fail it.
 *
 *     everybody online, typing ── SIGKILL (by a timer, or at a failpoint) ── everybody kept away
 *        ▲                                                                         │
 *        └── everybody comes back ◀── evidence held against fresh clients ◀── started again, same folder
 *
 * The writers are kept away while fresh clients look: they have what they typed, and would bring back what the server lost.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Random } from './counts.ts'
import { countClocks, type Loss } from './evidence.ts'
import { type Failpoint, Failpoints, swapFailpoints } from './failpoints.ts'
import { joinFresh } from './fresh-client.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { TypingCrowd } from './typing-crowd.ts'
import { within } from './wait-until.ts'

const failpointMsMax = 30_000
const freshJoinMsMax = 10_000

export interface KillPlan {
  readonly random: Random
  /** Kills by a timer that knows nothing of the edits. */
  readonly timedKills: number
  /** Kills at failpoints, spread among the timed ones, in turn over these. */
  readonly failpointKills: number
  readonly failpoints?: readonly Failpoint[]
  /** The kill comes at one of so many passages of the failpoint, by chance. */
  readonly passageMax?: number
  readonly imports?: readonly string[]
  readonly documents?: readonly string[]
  readonly editsPerSecond?: number
  /** A timed kill comes this long after everybody is online, at the earliest and at the latest. */
  readonly killAfterMs?: readonly [number, number]
  /** Ends with the first kill after which something is missing. */
  readonly stopAtLoss?: boolean
  /** Looks at each server that was started. */
  readonly onServer?: (server: ServerProcess) => void
}

export interface KillReport {
  timedKills: number
  /** Kills at each failpoint. */
  readonly failpointKills: Map<Failpoint, number>
  readonly losses: Loss[]
  /** A server that did not open again, or a document that was not served. */
  readonly troubles: string[]
  /** Not asked for where it ended with a loss. */
  converged: boolean
  /** One line for people. */
  summary: string
}

export async function killWhileTyping(plan: KillPlan): Promise<KillReport> {
  const rounds = new KillRounds(plan, await mkdtemp(path.join(tmpdir(), 'syncline-kill-')))
  try {
    return await rounds.run()
  } finally {
    await rounds.dispose()
  }
}

/** Which kill is next: a failpoint, or null for the timer. Spreads the failpoints evenly. */
function schedule({
  timedKills,
  failpointKills,
  failpoints = swapFailpoints,
}: KillPlan): (Failpoint | null)[] {
  const kills = timedKills + failpointKills
  let given = 0
  return Array.from({ length: kills }, (_, i) => {
    if (given * kills >= (i + 1) * failpointKills) return null
    return failpoints[given++ % failpoints.length]!
  })
}

class KillRounds {
  readonly #plan: KillPlan
  readonly #dataFolder: string
  readonly #failpoints = new Failpoints()
  readonly #report: KillReport = {
    timedKills: 0,
    failpointKills: new Map(),
    losses: [],
    troubles: [],
    converged: false,
    summary: '',
  }
  #server: ServerProcess | undefined
  #crowd: TypingCrowd | undefined

  constructor(plan: KillPlan, dataFolder: string) {
    this.#plan = plan
    this.#dataFolder = dataFolder
  }

  async run(): Promise<KillReport> {
    const {
      random,
      documents = ['one', 'two', 'three'],
      editsPerSecond = 60,
      stopAtLoss = false,
    } = this.#plan
    const first = await this.#start(0)
    const lossesPerSecond = 1
    this.#crowd = new TypingCrowd({ wsUrl: first.wsUrl, random, documents, editsPerSecond, lossesPerSecond })
    for (const failpoint of schedule(this.#plan)) {
      await this.#round(failpoint)
      const { losses, troubles } = this.#report
      if (troubles.length > 0 || (stopAtLoss && losses.length > 0)) return this.#finish()
    }
    await this.#crowd.goOnline()
    await this.#crowd.whenConverged()
    this.#report.converged = true
    await this.#look()
    return this.#finish()
  }

  async dispose(): Promise<void> {
    this.#crowd?.[Symbol.dispose]()
    this.#failpoints[Symbol.dispose]()
    await this.#server?.[Symbol.asyncDispose]()
    await rm(this.#dataFolder, { recursive: true, force: true })
  }

  async #start(port: number): Promise<ServerProcess> {
    const { imports = [], onServer } = this.#plan
    const { options } = this.#failpoints
    this.#server = await startServer({
      port,
      dataFolder: this.#dataFolder,
      imports: [...options.imports, ...imports],
      env: options.env,
    })
    onServer?.(this.#server)
    return this.#server
  }

  async #round(failpoint: Failpoint | null): Promise<void> {
    const crowd = this.#crowd!
    await crowd.goOnline()
    crowd.startTyping()
    if (failpoint === null) await this.#killByTimer()
    else await this.#killAt(failpoint)
    crowd.stopTyping()
    await crowd.goOffline()
    try {
      await this.#start(this.#server!.port)
      await this.#look()
    } catch (error) {
      this.#report.troubles.push(error instanceof Error ? error.message : String(error))
    }
  }

  async #killByTimer(): Promise<void> {
    const { random, killAfterMs: [earliest, latest] = [50, 2_000] } = this.#plan
    await new Promise(resolve => setTimeout(resolve, earliest + random.below(latest - earliest)))
    await this.#server!.kill()
    this.#report.timedKills++
  }

  async #killAt(failpoint: Failpoint): Promise<void> {
    const server = this.#server!
    const { random, passageMax = 3 } = this.#plan
    this.#failpoints.arm(failpoint, 'kill', 1 + random.below(passageMax))
    const found = () => server.logs.slice(-20)
    await within(`the server to come by ${failpoint}`, server.exited, { timeoutMs: failpointMsMax, found })
    if (this.#failpoints.fired(server, failpoint) !== 1) {
      throw new Error(`the server ended, but not at ${failpoint}: ${server.stderr.slice(-2_000)}`)
    }
    const { failpointKills } = this.#report
    failpointKills.set(failpoint, (failpointKills.get(failpoint) ?? 0) + 1)
  }

  /** Whether a newcomer gets everything that is in the evidence. */
  async #look(): Promise<void> {
    for (const evidence of this.#crowd!.evidence) {
      const fresh = await joinFresh(this.#server!.wsUrl, evidence.document, freshJoinMsMax)
      this.#report.losses.push(...evidence.lostFrom(fresh.state))
      fresh.doc.destroy()
    }
  }

  #finish(): KillReport {
    const { timedKills, failpointKills, losses, troubles } = this.#report
    const crowd = this.#crowd!
    const sum = (count: (one: (typeof crowd.evidence)[number]) => number) =>
      crowd.evidence.reduce((total, one) => total + count(one), 0)
    const places = [...failpointKills].map(([name, times]) => `${name} ${times}`).join(', ')
    const clocks = (what: 'delivered' | 'acknowledged') =>
      `${sum(one => countClocks(one[what].structs))} clocks and ${sum(one => countClocks(one[what].deletes))} deletions ${what}`
    this.#report.summary =
      `${timedKills} kills by the timer, ${sumOf(failpointKills)} at failpoints (${places || 'none'}); ` +
      `${crowd.writers} writers at ${crowd.editsPerSecond.toFixed(0)} edits/s each, ${crowd.edits} edits; ` +
      `${sum(one => one.frames)} frames received, ${sum(one => one.acknowledgements)} acknowledgements; ` +
      `${clocks('delivered')}, ${clocks('acknowledged')}; ${losses.length} losses, ${troubles.length} troubles`
    return this.#report
  }
}

const sumOf = (counts: ReadonlyMap<unknown, number>) =>
  [...counts.values()].reduce((sum, one) => sum + one, 0)
