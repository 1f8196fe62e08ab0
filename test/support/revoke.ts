/**
 * The application takes something back, over HTTP, as whoever may.
 */
import type { Revocation } from '@syncline/shared/api/revocation'
import { docs, liveToken } from './live-tokens.ts'
import type { ServerProcess } from './server-process.ts'

/** What was revoked counts within this on every instance [AUTH-2]. */
export const revokedWithinMs = 5_000

export type Order = Partial<Pick<Revocation, 'user' | 'token' | 'document' | 'access'>>

/** Resolves when it is durable. Without an access, nothing is left. */
export async function revoke({ url }: ServerProcess, order: Order): Promise<void> {
  const response = await fetch(`${url}/api/revocations`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await liveToken({ sub: 'application', docs: docs('admin') })}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(order),
  })
  if (!response.ok) throw new Error(`it was not revoked: ${response.status} ${await response.text()}`)
}
