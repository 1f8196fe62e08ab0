import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@syncline/server/internal/cli/commands'
import { openStore } from '@syncline/server/internal/cli/operate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'

/**
 * Operators' commands on a store in Redis, as on a data folder.
 */
let redis: RedisServer
let folder: string
beforeAll(async () => {
  redis = await startRedisServer()
  folder = mkdtempSync(join(tmpdir(), 'syncline-redis-operator-'))
})
afterAll(async () => {
  await redis.remove()
  rmSync(folder, { recursive: true })
})

async function run(words: readonly string[], environment: Record<string, string>) {
  let [stdout, stderr] = ['', '']
  const exitCode = await runCommand(words, {
    environment,
    stdout: text => {
      stdout += Buffer.from(text).toString()
    },
    stderr: text => {
      stderr += text
    },
    isTerminal: { stdout: false, stderr: false },
    openStore,
    serve: async () => 7,
  })
  return { exitCode, stdout, stderr }
}

test('documents are imported, replaced, listed, exported and verified in Redis, and no data folder is made', async () => {
  const file = join(folder, 'update')
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'from a file')
  writeFileSync(file, Y.encodeStateAsUpdate(doc))
  const environment = { SYNCLINE_REDIS_URL: redis.url, SYNCLINE_DATA: join(folder, 'data') }
  const commands = [
    ['docs', 'import', 'a}', file],
    ['docs', 'replace', 'b', file],
  ]
  for (const words of commands) expect((await run(words, environment)).stderr).toBe('')
  const listed = JSON.parse((await run(['docs', 'list', '--json'], environment)).stdout)
  expect(listed).toMatchObject([{ document: 'a}', seq: 1 }, { document: 'b' }])
  const exported = await run(['docs', 'export', 'a}', '--format', 'json'], environment)
  expect(exported.stdout).toContain('from a file')
  expect((await run(['verify'], environment)).stdout).toContain('nothing is wrong')
  const backup = await run(['backup', join(folder, 'backup')], environment)
  expect(backup.exitCode).toBe(1)
  expect(backup.stderr).toMatch(/BACKUP_FAILED: .*BGSAVE/)
  expect(existsSync(environment.SYNCLINE_DATA)).toBe(false)
})

test('a folder that is named on the command line is meant, whatever Redis the environment names', async () => {
  const { stderr } = await run(['docs', 'list', '--data', join(folder, 'none')], {
    SYNCLINE_REDIS_URL: redis.url,
  })
  expect(stderr).toMatch(/^syncline: STORE_MISSING: /)
})

test('a command does not wait for a Redis that is not there', async () => {
  const { exitCode, stderr } = await run(['docs', 'list'], {
    SYNCLINE_REDIS_URL: 'redis://:secret@127.0.0.1:1',
    SYNCLINE_STORE_GRACE_MS: '200',
  })
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^syncline: REDIS_AWAY: .*ECONNREFUSED/)
  expect(stderr).not.toContain('secret')
})
