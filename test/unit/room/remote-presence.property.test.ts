/**
 * Random walks of people over instances, with a relay that loses what it likes: in the end everybody who is there is shown
 * everywhere, and nobody else.
 */
import { afterAll, expect, test } from 'vitest'
import { count, Random, testSeed } from '../../support/counts.ts'
import { gone, here, PresenceInstance } from '../../support/presence-instances.ts'
import { TestClock } from '../../support/room-clock.ts'

const limits = {
  messageBytesMax: 1_000,
  entriesPerRoomMax: 50,
  entriesPerConnectionMax: 5,
  ofReaders: true,
  graceMs: 2_000,
  outdatedMs: 30_000,
}
const walks = count('PRESENCE_WALKS', 300)
const stepsMax = 60
const peopleCount = 5
/** Clients renew what they say this often. */
const renewMs = 15_000

interface Person {
  readonly client: number
  clock: number
  /** Null for who is nowhere. */
  at: { readonly instance: PresenceInstance; readonly connection: string } | null
}

class Walk {
  readonly clock = new TestClock()
  readonly people: Person[]
  readonly steps: string[] = []
  readonly tally: Tally
  instances: PresenceInstance[] = []
  readonly #random: Random
  /** Connections that are gone and that nobody has noticed yet. */
  #unnoticed: { readonly instance: PresenceInstance; readonly connection: string }[] = []
  #connections = 0
  #started = 0

  constructor(random: Random, tally: Tally) {
    this.#random = random
    this.tally = tally
    this.people = Array.from({ length: peopleCount }, (_, i) => ({ client: i + 1, clock: 0, at: null }))
    for (let i = 0; i < 3; i++) this.#start()
  }

  get there(): number[] {
    return this.people.filter(({ at }) => at !== null).map(({ client }) => client)
  }

  step(): void {
    const person = this.#random.pick(this.people)
    const other = this.#random.pick(this.people)
    const choice = this.#random.below(100)
    if (choice < 25) this.#come(person)
    else if (choice < 35) this.#goodbye(person)
    else if (choice < 50) this.#breakOff(person)
    else if (choice < 60) this.#noticeOne()
    else if (choice < 70) this.#renew(person)
    else if (choice < 75) this.#relay(person, other)
    else if (choice < 82) this.#cut()
    else if (choice < 85) this.#die()
    else this.#wait(this.#random.pick([50, 1_000, 2_000, 12_000, 31_000]))
  }

  /** Nothing is lost any more, and everybody who is there renews as clients do. */
  settle(): void {
    while (this.#unnoticed.length > 0) this.#noticeOne()
    for (const instance of this.instances) {
      instance.isDeaf = false
      instance.remote.subscribed()
    }
    for (let passedMs = 0; passedMs < 60_000; passedMs += renewMs) {
      this.clock.advance(renewMs)
      for (const person of this.people) this.#renew(person)
    }
  }

  end(): void {
    for (const instance of this.instances) instance.die()
  }

  #start(): void {
    const instance = new PresenceInstance(`i${this.#started++}`, limits, this.clock, () => this.instances)
    this.instances.push(instance)
    instance.remote.subscribed()
  }

  #come(person: Person): void {
    if (person.at !== null) this.#breakOff(person)
    const instance = this.#random.pick(this.instances)
    person.at = { instance, connection: `c${this.#connections++}` }
    person.clock = Math.max(person.clock, 1)
    this.#note(`${person.client} comes to ${instance.name} as ${person.at.connection}`)
    this.tally.came++
    this.#say(person)
  }

  /** What it is told about itself it answers with a higher clock, as y-protocols does. */
  #say({ client, clock, at }: Person): void {
    const [correction] = at!.instance.hear(at!.connection, here(client, clock))
    if (correction === undefined) return
    this.tally.corrected++
    const person = this.people[client - 1]!
    person.clock = correction.clock + 1
    this.#say(person)
  }

  #goodbye(person: Person): void {
    if (person.at === null) return
    const { instance, connection } = person.at
    this.#note(`${person.client} says goodbye to ${instance.name}`)
    if (this.#random.below(4) > 0) instance.hear(connection, gone(person.client, ++person.clock))
    instance.presence.leave(connection, 'closed')
    person.at = null
  }

  #breakOff(person: Person): void {
    if (person.at === null) return
    this.#note(`${person.client} breaks off ${person.at.connection}`)
    this.#unnoticed.push(person.at)
    person.at = null
    if (this.#random.below(2) === 0) this.#noticeOne()
  }

  #noticeOne(): void {
    const [lost] = this.#unnoticed.splice(this.#random.below(Math.max(1, this.#unnoticed.length)), 1)
    if (lost === undefined) return
    this.#note(`${lost.instance.name} notices the loss of ${lost.connection}`)
    lost.instance.presence.leave(lost.connection, 'lost')
  }

  #renew(person: Person): void {
    if (person.at === null) return
    this.#note(`${person.client} renews`)
    person.clock++
    this.#say(person)
  }

  /** A tab says what it knows of another. */
  #relay(person: Person, other: Person): void {
    if (person.at === null || person === other) return
    const { instance, connection } = person.at
    const known = instance.presence.current().find(({ client }) => client === other.client)
    if (known === undefined) return
    this.#note(`${person.client} relays ${other.client}`)
    instance.hear(connection, this.#random.below(2) === 0 ? known : gone(known.client, known.clock))
  }

  #cut(): void {
    const instance = this.#random.pick(this.instances)
    instance.isDeaf = !instance.isDeaf
    this.#note(`${instance.name} is ${instance.isDeaf ? 'cut off' : 'heard again'}`)
    if (!instance.isDeaf) instance.remote.subscribed()
  }

  #die(): void {
    if (this.instances.length < 2) return this.#start()
    const instance = this.#random.pick(this.instances)
    this.#note(`${instance.name} dies`)
    this.tally.died++
    instance.die()
    this.instances = this.instances.filter(other => other !== instance)
    this.#unnoticed = this.#unnoticed.filter(lost => lost.instance !== instance)
    for (const person of this.people) if (person.at?.instance === instance) person.at = null
  }

  #wait(ms: number): void {
    this.#note(`${ms} ms pass`)
    this.clock.advance(ms)
  }

  #note(step: string): void {
    this.steps.push(step)
  }
}

interface Tally {
  came: number
  corrected: number
  died: number
  shown: number
}

const tally: Tally = { came: 0, corrected: 0, died: 0, shown: 0 }

test(`[REL-1] after ${walks} random walks everybody who is there is shown everywhere, and nobody else`, () => {
  for (let i = 0; i < walks; i++) {
    const seed = testSeed() + i
    const random = new Random(seed)
    const walk = new Walk(random, tally)
    const steps = 1 + random.below(stepsMax)
    for (let step = 0; step < steps; step++) walk.step()
    walk.settle()
    tally.shown += walk.there.length
    for (const instance of walk.instances) {
      const how = `seed ${seed}, on ${instance.name}:\n${walk.steps.join('\n')}`
      expect(instance.shown, how).toEqual(walk.there)
      expect(instance.shownToNewcomers, how).toEqual(walk.there)
    }
    walk.end()
  }
})

afterAll(() => {
  // A walk in which nothing happens proves nothing.
  for (const [what, times] of Object.entries(tally)) expect(times, what).toBeGreaterThan(walks / 10)
})
