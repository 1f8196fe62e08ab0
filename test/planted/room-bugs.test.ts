/**
 * The property of the room can fail: each of five planted bugs breaks the promise that names it within some random documents.
 * Each run is a process of its own, since a load hook sees only what node itself loads.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { testSeed } from '../support/counts.ts'

const documentsMax = 300
const runMsMax = 300_000
const property = fileURLToPath(new URL('../support/room-property.ts', import.meta.url))

/** What each bug is, and the promise by whose words the property has to fail. */
const bugs = [
  ['room-forget-held-ranges', /\[SYNC-2\] what the log has already was taken for new/],
  ['room-count-over-gaps', /accepted and never logged|has another content than the reference/],
  ['room-tail-before-base', /\[SYNC-1\] .+ is synced and lacks/],
  // Told too early of its own update, or shown it: whichever comes first.
  [
    'room-acknowledge-at-once',
    /\[LOG-1\] acknowledged and not in the log|\[LOG-2\] sent to .+ and not in the log/,
  ],
  ['room-forget-compacted-deletes', /\[SYNC-2\] what the log has already was taken for new/],
] as const

for (const [plant, promise] of bugs) {
  test(`a room with the bug ${plant} is found out by at most ${documentsMax} random documents`, async () => {
    const { code, output } = await runProperty(plant)
    expect(output).toContain(`planted ${plant} in `)
    expect(output).toContain('Property failed after')
    expect(output).toMatch(promise)
    expect(code).toBe(1)
    console.log(`${plant}: ${/Property failed after \d+ tests/.exec(output)?.[0]}`)
  })
}

test('a room without a planted bug passes the same documents', async () => {
  const { code, output } = await runProperty(null)
  expect(output).not.toContain('Property failed')
  expect(code).toBe(0)
})

function runProperty(plant: string | null): Promise<{ code: number; output: string }> {
  const hook = plant === null ? [] : ['--import', new URL(`plants/${plant}.mjs`, import.meta.url).href]
  const flags = ['--conditions=syncline-source', ...hook]
  const program = [property, String(documentsMax), String(testSeed()), '--found-is-enough']
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [...flags, ...program],
      { timeout: runMsMax, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (child.exitCode === null) reject(new Error(`the run was ended: ${stderr}`, { cause: error }))
        else resolve({ code: child.exitCode, output: stdout + stderr })
      },
    )
  })
}
