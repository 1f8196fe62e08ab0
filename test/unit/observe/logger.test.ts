import { createLogger, events } from '@syncline/server/internal/observe/logger'
import { describe, expect, test } from 'vitest'

function listen(level: string) {
  const written: string[] = []
  const logger = createLogger({ level, stream: { write: line => written.push(line) } })
  return { logger, written, lines: () => written.map(line => JSON.parse(line)) }
}

describe('the log', () => {
  test('is one line of JSON an event, with its name, its level, the time and the fields', () => {
    const { logger, written, lines } = listen('info')
    logger.event('connection opened', { connection: 'c1', document: 'a\n"b"' })
    expect(written).toHaveLength(1)
    expect(written[0]).toMatch(/^\{[^\n]*\}\n$/)
    expect(lines()[0]).toMatchObject({
      level: 30,
      msg: 'connection opened',
      connection: 'c1',
      document: 'a\n"b"',
    })
    expect(Date.parse(lines()[0].time)).not.toBeNaN()
  })

  test('leaves out what lies below its level', () => {
    const { logger, lines } = listen('error')
    logger.event('connection opened')
    logger.event('update refused')
    logger.event('store away', { reason: 'disk full' })
    expect(lines().map(line => line.msg)).toEqual(['store away'])
  })

  test('says nothing at all when it is to be silent', () => {
    const { logger, written } = listen('silent')
    for (const name of Object.keys(events)) logger.event(name as keyof typeof events)
    expect(written).toEqual([])
  })

  test('writes an error with its stack and its cause', () => {
    const { logger, lines } = listen('info')
    logger.event('crashed', { error: new Error('on top', { cause: new Error('below') }) })
    expect(lines()[0].error.stack).toContain('on top')
    expect(lines()[0].error.stack).toContain('below')
  })
})
