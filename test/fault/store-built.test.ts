import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/**
 * The store as it is published: compiled, with a thread whose file has another ending than in the sources. Needs
 * `npm run build`, which `npm test` begins with.
 */
test('the store thread starts from what is built', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-built-'))
  const built = (name: string) =>
    JSON.stringify(pathToFileURL(resolve(import.meta.dirname, '../../server/dist', name)).href)
  const program = `
    const { openDiskLog } = await import(${built('store/disk-log.js')})
    const { systemClock } = await import(${built('foundation/clock.js')})
    const log = await openDiskLog({ folder: ${JSON.stringify(folder)}, clock: systemClock })
    const { ends } = await log.append('a', 0, [{ kind: 'update', timeMs: 1, update: new Uint8Array(3),
      authors: [], instance: 'i', nonce: '0123456789abcdef' }])
    await log.close()
    console.log('saved', ends[0].seq)`
  const file = join(folder, 'program.mjs')
  writeFileSync(file, program)
  // Without the condition that the sources are exported under.
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  expect(stdout).toBe('saved 1\n')
  rmSync(folder, { recursive: true })
})
