/**
 * Ends a run with one plain line, `N passed, N failed` (and `, N skipped`), alone on its line and without colours: CI reads it.
 * A file that could not even be loaded and an error outside of any test count as failed; otherwise the line would say that all
 * is well while the run is not.
 */
import type { Reporter, TestModule } from 'vitest/node'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export function countLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

export default class CountLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    let skipped = 0
    for (const module of modules) {
      const failedBefore = failed
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        // Pending means that the run was broken off: what did not run did not pass.
        else if (state === 'pending') failed++
        else skipped++
      }
      if (module.state() === 'failed' && failed === failedBefore) failed++
    }
    // At exit, because the summary of the default reporter may be printed after this.
    process.once('exit', () => process.stdout.write(`\n${countLine({ passed, failed, skipped })}\n`))
  }
}
