import { type AuthEvent, Outage } from '@syncline/server/internal/auth/auth-event'
import { watchAuth } from '@syncline/server/internal/auth/watch-auth'
import type { EventFields, EventName } from '@syncline/server/internal/observe/logger'
import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { expect, test } from 'vitest'

test('an outage is one line when it begins and one when it ends, and a metric while it lasts', async () => {
  const metrics = createMetrics()
  const logged: [EventName, EventFields | undefined][] = []
  const watch = watchAuth({ event: (name, fields) => logged.push([name, fields]), flush() {} }, metrics)
  const events: AuthEvent[] = []
  const outage = new Outage('keys', event => {
    events.push(event)
    watch(event)
  })
  const away = async () => (await metrics.authAway.get()).values

  outage.end()
  expect(logged).toEqual([])
  outage.begin('it answered 500')
  outage.begin('it answered 502')
  expect(outage.reason).toBe('it answered 502')
  expect(logged).toEqual([['auth away', { part: 'keys', reason: 'it answered 500' }]])
  expect(await away()).toMatchObject([{ labels: { part: 'keys' }, value: 1 }])
  outage.end()
  expect(logged.at(-1)).toEqual(['auth back', { part: 'keys' }])
  expect(await away()).toMatchObject([{ value: 0 }])
  watch({ kind: 'revocations', count: 3 })
  expect((await metrics.revocations.get()).values).toMatchObject([{ value: 3 }])
  expect(events).toHaveLength(2)
})
