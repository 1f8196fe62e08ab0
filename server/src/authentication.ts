/**
 * What says who may do what: the check of tokens, what has been revoked of them, and the grants of those who are connected.
 */
import { type Authenticator, type AuthenticatorOptions, createAuthenticator } from './auth/authenticator.ts'
import { createMemoryRevocations } from './auth/memory-revocations.ts'
import type { RevocationList } from './auth/revocation-list.ts'
import { openRevocations, type Revocations } from './auth/revocations.ts'
import { Grants } from './connection/grants.ts'
import type { Clock } from './foundation/clock.ts'
import { orClose } from './foundation/or-close.ts'
import { parseRedisUrl } from './foundation/redis-url.ts'
import { hasAuthentication } from './foundation/settings.ts'
import type { Settings } from './foundation/settings-table.ts'
import { openDiskRevocations } from './store/disk-revocations.ts'
import { openRedisRevocations } from './store/redis-revocations.ts'

export interface Authentication {
  readonly authenticator: Authenticator
  readonly revocations: Revocations
  readonly grants: Grants
  close(): Promise<void>
}

/** Null where nobody has to say who they are. Rejects with an `AppError` or a `StoreOpenError`. */
export async function openAuthentication(
  settings: Settings,
  around: Omit<AuthenticatorOptions, 'revocations'>,
): Promise<Authentication | null> {
  const { authenticate, clock } = around
  if (authenticate === undefined && !hasAuthentication(settings)) return null
  const list = openRevocationList(settings, clock)
  const revocations = await openRevocations({ list, settings, ...around })
  const authenticator = await orClose(revocations, () =>
    createAuthenticator(settings, { revocations, ...around }),
  )
  if (authenticator === null) return null
  const grants = new Grants(revocations, clock)
  return {
    authenticator,
    revocations,
    grants,
    async close() {
      grants.close()
      await revocations.close()
    },
  }
}

function openRevocationList({ store, redisUrl, data }: Settings, clock: Clock): RevocationList {
  const target = parseRedisUrl(redisUrl)
  if (target !== null) return openRedisRevocations({ target, clock })
  return store === 'memory' ? createMemoryRevocations() : openDiskRevocations({ folder: data, clock })
}
