import { InboundRate, type InboundRateLimits } from '@syncline/server/internal/connection/inbound-rate'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { describe, expect, test } from 'vitest'

const MiB = 1024 * 1024
const settings = settingsWith()
const defaults: InboundRateLimits = {
  messagesPerSecondMax: settings.limitMessagesPerSecond,
  bytesPerSecondMax: settings.limitBytesPerSecond,
  burstMs: settings.burstMs,
  tooFastAfterMs: settings.tooFastAfterMs,
}
/** Ten messages and 1,000 bytes a second, and twice as much at once. */
const small = { messagesPerSecondMax: 10, bytesPerSecondMax: 1_000, burstMs: 2_000, tooFastAfterMs: 30_000 }

const spendAll = (rate: InboundRate, count: number, bytes: number, nowMs: number) =>
  Array.from({ length: count }, () => rate.spend(bytes, nowMs))

/**
 * A client that goes on sending whether it is read or not: what waits comes as soon as the socket is read again, a thousand messages
 * at once. Ends after ten minutes, or when it is too fast.
 */
function flood({ perSecond, bytes }: { perSecond: number; bytes: number }) {
  const rate = new InboundRate(defaults, 0)
  let taken = 0
  for (let nowMs = 0; nowMs < 600_000; nowMs += Math.max(rate.debtMs(nowMs), 1)) {
    const waiting = Math.floor((perSecond * nowMs) / 1000) - taken
    for (let read = 0; read < Math.min(waiting, 1_000); read++) {
      const spent = rate.spend(bytes, nowMs)
      if (typeof spent !== 'number') return { taken, tooFast: spent, nowMs }
      taken++
    }
  }
  return { taken, tooFast: null, nowMs: Number.POSITIVE_INFINITY }
}

describe('[LIM-1 messages-per-second] messages per second', () => {
  test('[LIM-1 messages-per-second] beyond the burst, the socket is not read for as long as they are too many', () => {
    const rate = new InboundRate(small, 0)
    expect(spendAll(rate, 20, 1, 0)).toEqual(Array(20).fill(0))
    expect(spendAll(rate, 3, 1, 0)).toEqual([100, 200, 300])
    expect(rate.limit).toBe('limitMessagesPerSecond')
    expect([rate.debtMs(299), rate.debtMs(300)]).toEqual([1, 0])
    expect([rate.spend(1, 400), rate.spend(1, 400)]).toEqual([0, 100])
  })

  test('[LIM-1 messages-per-second] allowance is saved up for one burst, not more', () => {
    const rate = new InboundRate(small, 0)
    expect(spendAll(rate, 21, 1, 3_600_000).at(-1)).toBe(100)
  })

  test('[LIM-1 messages-per-second] 10,000 tiny ones a second are held up, and end with the error that says so', () => {
    const { taken, tooFast, nowMs } = flood({ perSecond: 10_000, bytes: 5 })
    expect(tooFast?.limit).toBe('limitMessagesPerSecond')
    expect(tooFast?.refusal).toMatchObject({ code: 'TOO_MANY_MESSAGES', entry: { close: { code: 4529 } } })
    // Three seconds of burst and thirty of being held up, in which it was not faster than it may be.
    expect(nowMs).toBeLessThanOrEqual(35_000)
    expect(taken).toBeLessThanOrEqual(30_000 + 35_000)
  })

  test('[LIM-1 messages-per-second] 20,000 changes in a loop hold up nobody', () => {
    const rate = new InboundRate(defaults, 0)
    expect(spendAll(rate, 20_000, 40, 0).every(spent => spent === 0)).toBe(true)
  })

  test('999 messages a second are taken for ever, also after a burst', () => {
    expect(flood({ perSecond: 999, bytes: 100 }).tooFast).toBeNull()
  })

  test('somebody who types while the cursor moves with 60 Hz is never held up', () => {
    const rate = new InboundRate(defaults, 0)
    for (let nowMs = 0; nowMs < 600_000; nowMs += 1000 / 75) expect(rate.spend(200, nowMs)).toBe(0)
  })
})

describe('[LIM-1 bytes-per-second] bytes per second', () => {
  test('[LIM-1 bytes-per-second] beyond the burst, the socket is not read for as long as they are too many', () => {
    const rate = new InboundRate(small, 0)
    expect(rate.spend(2_000, 0)).toBe(0)
    expect(rate.spend(500, 0)).toBe(500)
    expect(rate.limit).toBe('limitBytesPerSecond')
    expect(rate.debtMs(500)).toBe(0)
  })

  test('[LIM-1 bytes-per-second] megabytes without end are held up, and end with the error that says so', () => {
    const { tooFast } = flood({ perSecond: 10, bytes: MiB })
    expect(tooFast?.limit).toBe('limitBytesPerSecond')
    expect(tooFast?.refusal).toMatchObject({ code: 'TOO_MANY_BYTES', entry: { close: { code: 4529 } } })
  })

  test('[LIM-1 bytes-per-second] the largest first answer that is allowed holds up nobody', () => {
    const rate = new InboundRate(defaults, 0)
    expect(rate.spend(16 * MiB, 0)).toBe(0)
    expect(rate.spend(100, 0)).toBe(0)
  })

  test('one message of any size is taken, and its sender does not look dead for it', () => {
    const rate = new InboundRate(defaults, 0)
    expect(rate.spend(512 * MiB, 0)).toBe(10_000)
  })
})

describe('being too fast', () => {
  const burst = (rate: InboundRate, nowMs: number) => spendAll(rate, 25, 1, nowMs).at(-1)

  test('counts from the first debt after a pause', () => {
    const rate = new InboundRate(small, 0)
    for (let nowMs = 0; nowMs < 120_000; nowMs += 4_000) expect(burst(rate, nowMs)).toBeTypeOf('number')
  })

  test('is ended neither by paying a debt, nor by a moment of silence after it', () => {
    const rate = new InboundRate(small, 0)
    expect(burst(rate, 0)).toBe(500)
    let nowMs = 0
    while (nowMs + 1_400 < small.tooFastAfterMs) {
      nowMs += rate.debtMs(nowMs) + 900
      expect(rate.spend(1, nowMs)).toBeTypeOf('number')
      spendAll(rate, 9, 1, nowMs)
    }
    expect(burst(rate, small.tooFastAfterMs)).toMatchObject({ ok: false, limit: 'limitMessagesPerSecond' })
  })
})
