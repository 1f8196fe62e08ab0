import { createMetrics } from '@syncline/server/internal/observe/metrics'
import { describe, expect, test } from 'vitest'

/** What a metric may be split by. Each of these has few values, all known beforehand. */
const labelsAllowed = [
  'code',
  'during',
  'verdict',
  'rule',
  'outcome',
  'task',
  'status',
  'saved_means',
  'part',
  'limit',
]

describe('metrics', () => {
  test('are never split by a document, a user or an address', async () => {
    const own = (await createMetrics().registry.getMetricsAsArray()).filter(({ name }) =>
      name.startsWith('syncline_'),
    )
    expect(own.length).toBeGreaterThan(20)
    const labels = own.flatMap(metric => (metric as unknown as { labelNames: string[] }).labelNames)
    expect(labels.filter(label => !labelsAllowed.includes(label))).toEqual([])
  })

  test('have names that tell what they count', async () => {
    for (const { name, type } of createMetrics().registry.getMetricsAsArray() as unknown as {
      name: string
      type: string
    }[]) {
      if (!name.startsWith('syncline_')) continue
      expect(name).toMatch(/^syncline_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
    }
  })

  test('of two servers in one process do not count into each other', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.connections.inc()
    expect(await one.registry.metrics()).toContain('syncline_connections 1')
    expect(await other.registry.metrics()).toContain('syncline_connections 0')
  })

  test('hold memory, processor and the lag of the event loop', async () => {
    const text = await createMetrics().registry.metrics()
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_seconds',
    ]) {
      expect(text).toContain(name)
    }
  })

  test('count close codes that a client made up together', async () => {
    const metrics = createMetrics()
    for (const code of [1000, 1006, 4400, 4508, 3001, 3002, 4999]) metrics.countClose(code)
    const { values } = await metrics.connectionsClosed.get()
    expect(values.map(({ labels, value }) => [labels.code, value])).toEqual([
      ['1000', 1],
      ['1006', 1],
      ['4400', 1],
      ['4508', 1],
      ['other', 3],
    ])
  })
})
