/**
 * Revocations of a server that keeps nothing: they end with the process, and so do its documents.
 */
import { type Revocation, targetOf } from '@syncline/shared/api/revocation'
import type { RevocationList, RevocationListener } from './revocation-list.ts'

export function createMemoryRevocations(): RevocationList {
  const kept = new Map<string, Revocation>()
  const listeners = new Set<RevocationListener>()
  return {
    load: async () => [...kept.values()],
    async add(revocation) {
      const target = targetOf(revocation)
      const former = kept.get(target)
      if (former !== undefined && former.sinceMs > revocation.sinceMs) return
      kept.set(target, revocation)
      for (const listener of listeners) listener.changed([...kept.values()])
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: async () => listeners.clear(),
  }
}
