/**
 * What the run of the tests itself rests on: the line that CI reads, the numbers from the environment, the browser that is found.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { countLine } from '../../support/count-line-reporter.ts'
import { count, Random } from '../../support/counts.ts'
import { findChromium } from '../../support/find-chromium.ts'

afterEach(() => vi.unstubAllEnvs())

test('the last line names skipped tests only if there are any', () => {
  expect(countLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
  expect(countLine({ passed: 12, failed: 3, skipped: 1 })).toBe('12 passed, 3 failed, 1 skipped')
})

test('a number comes from the environment, or is the small one', () => {
  vi.stubEnv('SYNCLINE_TEST_CUT_OFFSETS', '')
  expect(count('CUT_OFFSETS', 7)).toBe(7)
  vi.stubEnv('SYNCLINE_TEST_CUT_OFFSETS', '300')
  expect(count('CUT_OFFSETS', 7)).toBe(300)
})

test.each(['many', '0', '-1', '1.5', '1e400'])('the number %j stops the run', value => {
  vi.stubEnv('SYNCLINE_TEST_CUT_OFFSETS', value)
  expect(() => count('CUT_OFFSETS', 7)).toThrow('SYNCLINE_TEST_CUT_OFFSETS')
})

test('equal seeds give equal numbers, different ones do not', () => {
  const first = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 20 }, () => random.below(1_000))
  }
  expect(first(1)).toEqual(first(1))
  expect(first(1)).not.toEqual(first(2))
})

test('a browser is found on the path if it can be run, and one that was named wrongly is not replaced', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'syncline-browser-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const browser = path.join(folder, 'chromium')
  writeFileSync(browser, '')
  chmodSync(browser, 0o644)
  expect(findChromium({ PATH: folder })).not.toBe(browser)
  chmodSync(browser, 0o755)
  expect(findChromium({ PATH: folder })).toBe(browser)
  expect(findChromium({ PATH: folder, CHROMIUM_PATH: path.join(folder, 'missing') })).toBeUndefined()
  expect(findChromium({ PATH: '', CHROMIUM_PATH: browser })).toBe(browser)
})
