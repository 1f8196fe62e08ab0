/**
 * Where revocations are kept, so that they outlive the process: in memory for tests (`memory-revocations.ts`), in the data
 * folder or in Redis (`store/disk-revocations.ts`, `store/redis-revocations.ts`, which fit this interface without knowing it).
 */
import type { Revocation } from '@syncline/shared/api/revocation'

export interface RevocationList {
  /** Everything that is kept: one for each target. Those that have ended may be among it. Rejects where that is not known at the moment. */
  load(): Promise<readonly Revocation[]>
  /**
   * Resolves once it is durable, and by then every `load` has it. Of two for one target the newer is kept, whichever came first.
   * Rejects within seconds where it is away; what was asked for may still be done then.
   */
  add(revocation: Revocation): Promise<void>
  /** Calls until cancelled. A change by another instance is told within 3 s. */
  watch(listener: RevocationListener): () => void
  close(): Promise<void>
}

export interface RevocationListener {
  /** It is here, and this is all of it; also after it was away. */
  changed(all: readonly Revocation[]): void
  /** Nothing is heard of what others add from now on. The reason is one clause. */
  away(reason: string): void
}
