/**
 * Random frames of several users' connections on several instances, honest and forged: nobody is ever told a user under the client
 * id of another one who is connected, nor a name that no token says.
 */
import type { PresenceLimits } from '@syncline/server/internal/room/presence'
import type { Speaker } from '@syncline/server/internal/room/presence-bringers'
import type { AwarenessEntry } from '@syncline/shared/presence'
import { afterAll, expect, test } from 'vitest'
import { count, Random, testSeed } from '../../support/counts.ts'
import { gone, here, PresenceInstance } from '../../support/presence-instances.ts'
import { TestClock } from '../../support/room-clock.ts'

const limits: PresenceLimits = {
  messageBytesMax: 1_000,
  entriesPerRoomMax: 50,
  entriesPerConnectionMax: 5,
  ofReaders: true,
  graceMs: 2_000,
  outdatedMs: 30_000,
}
const crowds = count('PRESENCE_CROWDS', 200)
const stepsMax = 120
const clientsCount = 6
/** The last two have tokens that name nobody. */
const users = ['u1', 'u2', 'u3', null, null]

interface Connection {
  readonly speaker: Speaker
  readonly user: string | null
  readonly instance: PresenceInstance
  /** As `Bringer.own`. */
  own: number | null | 'none'
}

interface Tally {
  told: number
  silenced: number
  left: number
  shared: number
}
const tally: Tally = { told: 0, silenced: 0, left: 0, shared: 0 }

class Crowd {
  readonly clock = new TestClock()
  readonly steps: string[] = []
  readonly instances: PresenceInstance[]
  readonly #random: Random
  #connections: Connection[] = []
  #made = 0
  /** Which connections have brought a client id: the model, kept apart from the code under test. */
  readonly #holders = new Map<number, Set<Connection>>()

  constructor(random: Random, instanceNames: readonly string[]) {
    this.#random = random
    this.instances = instanceNames.map(
      name => new PresenceInstance(name, limits, this.clock, () => this.instances),
    )
    for (const user of users) this.#connect(user)
  }

  step(): void {
    const choice = this.#random.below(20)
    if (choice === 0) this.#connect(this.#random.pick(users))
    else if (choice === 1) this.#leave()
    else if (choice === 2) this.#wait(this.#random.pick([50, 2_000, 31_000]))
    else this.#say()
    for (const instance of this.instances) for (const entry of instance.presence.current()) this.#check(entry)
  }

  end(): void {
    for (const instance of this.instances) instance.die()
  }

  #connect(user: string | null): void {
    const identity = { user: user === null ? null : { id: user, name: `Name of ${user}`, color: null } }
    const speaker: Speaker = { id: `c${this.#made++}`, access: 'write', identity }
    this.#connections.push({ speaker, user, instance: this.#random.pick(this.instances), own: null })
    this.#note(`${speaker.id} of ${user} connects to ${this.#connections.at(-1)!.instance.name}`)
  }

  #leave(): void {
    if (this.#connections.length < 3) return
    const [connection] = this.#connections.splice(this.#random.below(this.#connections.length), 1)
    const how = this.#random.pick(['closed', 'lost'] as const)
    this.#note(`${connection!.speaker.id} leaves (${how})`)
    tally.left++
    for (const holders of this.#holders.values()) holders.delete(connection!)
    connection!.instance.presence.leave(connection!.speaker.id, how)
    this.#read()
  }

  #wait(ms: number): void {
    this.#note(`${ms} ms pass`)
    this.clock.advance(ms)
    this.#read()
  }

  #say(): void {
    const connection = this.#random.pick(this.#connections)
    const frame = Array.from({ length: this.#random.pick([1, 1, 1, 2, 3]) }, () => this.#entry(connection))
    this.#note(`${connection.speaker.id} says ${JSON.stringify(frame)}`)
    if (connection.own === null) connection.own = frame.length === 1 ? frame[0]!.client : 'none'
    for (const { client } of frame) this.#takesOver(connection, client)
    const corrections = connection.instance.hear(connection.speaker, ...frame)
    // Who is told that they are gone says so with a higher clock, as y-protocols does.
    const answers = corrections.map(({ client, clock }) => here(client, clock + 1))
    if (answers.length > 0) connection.instance.hear(connection.speaker, ...answers)
    const told = this.#read()
    for (const { client, json } of told)
      if (json !== 'null' || connection.own === client) this.#holds(connection, client)
    if (told.length === 0) tally.silenced++
  }

  /** Of two connections of one user with the same id of their own, the last is its owner. */
  #takesOver(connection: Connection, client: number): void {
    const holders = [...(this.#holders.get(client) ?? [])]
    const isOwn = connection.own === client && connection.user !== null
    if (!isOwn || holders.length === 0 || holders.some(({ user }) => user !== connection.user)) return
    this.#holders.set(client, new Set([connection]))
  }

  #holds(connection: Connection, client: number): void {
    const holders = this.#holders.get(client) ?? new Set()
    this.#holders.set(client, holders.add(connection))
    if (holders.size > 1) tally.shared++
  }

  /** What was told since the last time. Who is gone keeps their own id while they are connected, and no other. */
  #read(): AwarenessEntry[] {
    const told = this.instances.flatMap(instance => instance.told.splice(0).flat())
    for (const entry of told) {
      this.#check(entry)
      if (entry.json !== 'null') continue
      const holders = this.#holders.get(entry.client) ?? new Set()
      for (const holder of holders) if (holder.own !== entry.client) holders.delete(holder)
    }
    return told
  }

  #entry(connection: Connection): AwarenessEntry {
    const random = this.#random
    const client = 1 + random.below(clientsCount)
    const known = connection.instance.presence.entries.get(client)
    // What is not told yet, or not any more, is not known to other instances: they cannot keep it for its user.
    const isAlone = this.instances.length === 1
    const clock = Math.max(
      isAlone ? 0 : 1,
      (known?.clock ?? 1) + random.pick([-1, 0, 0, 1, 1, 1, 1, 50, 1_000]),
    )
    if (isAlone && random.below(8) === 0) return gone(client, clock)
    const user = random.pick(['u1', 'u2', 'u3', 'Bob'])
    const states = [
      {},
      { user: { id: user, name: `Name of ${user}` } },
      { user: { name: 'Bob' }, cursor: 1 },
      { user: 'Bob' },
      ['Bob'],
    ]
    const echoes = known !== undefined && (isAlone || known.json !== 'null') && random.below(4) === 0
    return here(client, clock, echoes ? known.json : JSON.stringify(random.pick(states)))
  }

  #check({ client, json }: AwarenessEntry): void {
    if (json === 'null') return
    tally.told++
    const { user = {} } = JSON.parse(json) as { user?: { id?: string; name?: string } }
    const how = () => this.steps.join('\n')
    if (user.id === undefined) expect(user.name, how()).toBe(undefined)
    else expect(user.name, how()).toBe(`Name of ${user.id}`)
    for (const holder of this.#holders.get(client) ?? [])
      if (holder.user !== (user.id ?? null))
        expect.fail(`${client} told as ${json}, held by ${holder.user}:\n${how()}`)
  }

  #note(step: string): void {
    this.steps.push(step)
  }
}

test.each([[['alone']], [['left', 'right']]])(
  `[AUTH-3] in ${crowds} crowds that forge (from seed ${testSeed()}) on %j nobody is told a user under another's client id`,
  instanceNames => {
    for (let i = 0; i < crowds; i++) {
      const random = new Random(testSeed() + i)
      const crowd = new Crowd(random, instanceNames)
      for (let step = 1 + random.below(stepsMax); step > 0; step--) crowd.step()
      crowd.end()
    }
  },
)

afterAll(() => {
  // Crowds in which nothing happens prove nothing.
  for (const [what, times] of Object.entries(tally)) expect(times, what).toBeGreaterThan(crowds / 10)
})
