/**
 * What has been taken back of what tokens allow: looked up at every connect, and again for everybody who is connected
 * whenever it changes. Where it is kept is the list's (`revocation-list.ts`).
 *
 * Nothing takes a revocation out of the list before it ends. So one that is known here and missing there was lost by the store
 * (a Redis that failed over to a replica), and is put back.
 */
import { lesserAccess } from '@syncline/shared/api/access'
import { type Revocation, targetOf } from '@syncline/shared/api/revocation'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'
import { type AuthEvent, Outage } from './auth-event.ts'
import type { Grant } from './grant.ts'
import type { RevocationList } from './revocation-list.ts'

export interface RevocationsOptions {
  readonly list: RevocationList
  readonly clock: Clock
  readonly settings: Pick<
    Settings,
    'limitRevocations' | 'limitTokenLifeMs' | 'authClockToleranceMs' | 'revocationsAway'
  >
  readonly onEvent?: (event: AuthEvent) => void
}

/** What is left of a grant. */
export type Judged =
  | { readonly ok: true; readonly grant: Grant }
  | { readonly ok: false; readonly refusal: AppError<'GRANT_REVOKED' | 'REVOCATIONS_UNAVAILABLE'> }

export type Revoked =
  | { readonly ok: true; readonly revocation: Revocation }
  /** Unavailable: it counts here, and is not known to be saved. Full: nothing was done. */
  | { readonly ok: false; readonly refusal: AppError<'REVOCATIONS_FULL' | 'REVOCATIONS_UNAVAILABLE'> }

export type RevocationOrder = Pick<Revocation, 'user' | 'token' | 'document' | 'access'> & {
  /** When the tokens end that it concerns (`exp`), if that is known: it is kept no longer than they are taken. */
  readonly untilMs?: number | undefined
}

const sweepIntervalMs = 60_000

/** Reads the list. Where it is away nobody is let in until it has been read once; after that, as the setting says. */
export async function openRevocations(options: RevocationsOptions): Promise<Revocations> {
  const revocations = new Revocations(options)
  await revocations.load()
  return revocations
}

export class Revocations {
  readonly #options: RevocationsOptions
  readonly #outage: Outage
  readonly #listeners = new Set<() => void>()
  readonly #stops: readonly (() => void)[]
  /** By target. */
  readonly #known = new Map<string, Revocation>()
  #isRead = false

  /** `openRevocations` makes one that has read its list. */
  constructor(options: RevocationsOptions) {
    const { list, clock, onEvent = () => {} } = options
    this.#options = options
    this.#outage = new Outage('revocations', onEvent)
    this.#stops = [
      list.watch({ changed: all => this.#changed(all), away: reason => this.#setAway(reason) }),
      clock.every(sweepIntervalMs, () => this.#sweep()),
    ]
  }

  async load(): Promise<void> {
    try {
      this.#changed(await this.#options.list.load())
    } catch (error) {
      this.#setAway((error as Error).message)
    }
  }

  /** What is left of a grant of access to `document` (null: to the server as a whole). */
  judge(grant: Grant, document: string | null): Judged {
    const reason = this.#unavailable()
    if (reason !== null) return unavailable(reason)
    let access = grant.granted
    const targets = this.#known.size === 0 ? [] : targetsOf(grant, document)
    for (const target of targets) {
      const revocation = this.#known.get(target)
      if (revocation === undefined || !this.#concerns(revocation, grant)) continue
      if (revocation.access === 'none') return { ok: false, refusal: new AppError('GRANT_REVOKED', {}) }
      access = lesserAccess(access, revocation.access)
    }
    return { ok: true, grant: access === grant.access ? grant : { ...grant, access } }
  }

  /** Those that have not ended. */
  get all(): readonly Revocation[] {
    const nowMs = this.#options.clock.now()
    return [...this.#known.values()].filter(({ untilMs }) => untilMs > nowMs)
  }

  /** Counts here at once. Resolves when it is durable, from which on other instances follow within 5 s. */
  async revoke({ untilMs, ...order }: RevocationOrder): Promise<Revoked> {
    const { list, clock, settings } = this.#options
    const { limitRevocations: revocationsMax, limitTokenLifeMs, authClockToleranceMs } = settings
    if (this.#known.size >= revocationsMax && !this.#known.has(targetOf(order)))
      return { ok: false, refusal: new AppError('REVOCATIONS_FULL', { revocationsMax }) }
    const sinceMs = clock.now()
    // Every token that is let in now has ended by then.
    const lastMs = sinceMs + limitTokenLifeMs
    const endMs = Math.min((untilMs ?? lastMs) + authClockToleranceMs, lastMs)
    const revocation = { ...order, sinceMs, untilMs: endMs }
    if (this.#take(revocation)) this.#tell()
    try {
      await list.add(revocation)
      return { ok: true, revocation }
    } catch (error) {
      return unavailable((error as Error).message)
    }
  }

  /** Called whenever `judge` may say something else than before. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    this.#listeners.clear()
    await this.#options.list.close()
  }

  /** Null where what is known may be relied on. */
  #unavailable(): string | null {
    const { reason } = this.#outage
    const mayRely = this.#isRead && (reason === null || this.#options.settings.revocationsAway === 'keep')
    return mayRely ? null : (reason ?? 'they have not been read')
  }

  /** A token made after the revocation is of a new decision of the application; by its clock, which may go fast. */
  #concerns({ sinceMs, untilMs }: Revocation, { issuedMs }: Grant): boolean {
    const { clock, settings } = this.#options
    const isLater = issuedMs !== null && issuedMs > sinceMs + settings.authClockToleranceMs
    return !isLater && untilMs > clock.now()
  }

  #changed(all: readonly Revocation[]): void {
    const { list, clock } = this.#options
    const wasUnavailable = this.#unavailable() !== null
    this.#isRead = true
    this.#outage.end()
    const stored = new Map(all.map(revocation => [targetOf(revocation), revocation]))
    let isNew = false
    for (const revocation of all) isNew = this.#take(revocation) || isNew
    for (const [target, revocation] of this.#known) {
      // It is told as an outage if this fails, and done again when that is over.
      if ((stored.get(target)?.sinceMs ?? -1) < revocation.sinceMs && revocation.untilMs > clock.now())
        list.add(revocation).catch((error: Error) => this.#setAway(error.message))
    }
    if (isNew || wasUnavailable) this.#tell()
  }

  /** False for one that says nothing new, or has ended. Of two that were made in the same millisecond the stored one counts everywhere. */
  #take(revocation: Revocation): boolean {
    const target = targetOf(revocation)
    const known = this.#known.get(target)
    if (revocation.untilMs <= this.#options.clock.now()) return false
    if (known !== undefined && known.sinceMs > revocation.sinceMs) return false
    this.#known.set(target, revocation)
    return known?.sinceMs !== revocation.sinceMs || known.access !== revocation.access
  }

  #setAway(reason: string): void {
    const wasUnavailable = this.#unavailable() !== null
    this.#outage.begin(reason)
    if (!wasUnavailable && this.#unavailable() !== null) this.#tell()
  }

  #tell(): void {
    this.#options.onEvent?.({ kind: 'revocations', count: this.#known.size })
    for (const listener of this.#listeners) listener()
  }

  #sweep(): void {
    const nowMs = this.#options.clock.now()
    const ended = [...this.#known].filter(([, { untilMs }]) => untilMs <= nowMs)
    if (ended.length === 0) return
    for (const [target] of ended) this.#known.delete(target)
    this.#tell()
  }
}

/** Whatever a revocation may name that concerns this grant: each of the three, or none of them, but not nothing. */
function targetsOf(grant: Grant, document: string | null): string[] {
  const targets: string[] = []
  for (const user of new Set([null, grant.user?.id ?? null]))
    for (const token of new Set([null, grant.tokenId]))
      for (const named of new Set([null, document])) targets.push(targetOf({ user, token, document: named }))
  return targets.slice(1)
}

function unavailable(reason: string): {
  readonly ok: false
  readonly refusal: AppError<'REVOCATIONS_UNAVAILABLE'>
} {
  return { ok: false, refusal: new AppError('REVOCATIONS_UNAVAILABLE', { reason }) }
}
