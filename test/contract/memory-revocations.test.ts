import { createMemoryRevocations } from '@syncline/server/internal/auth/memory-revocations'
import { revocationsSuite } from './revocations.suite.ts'

revocationsSuite({
  name: 'revocations in memory',
  async open() {
    const list = createMemoryRevocations()
    return { list, remove: () => list.close() }
  },
})
