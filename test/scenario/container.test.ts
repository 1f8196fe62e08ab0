/** What is brought for containers, as far as it can be tried without an engine: the compose file, and the check of the image. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { environmentName, settingNames } from '@syncline/server/internal/foundation/settings-table'
import { describe, expect, type TestContext, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startServer } from '../support/server-process.ts'

const repository = path.resolve(import.meta.dirname, '../..')
/** What the second version prints has another form. */
const hasCompose =
  spawnSync('docker-compose', ['-v'], { encoding: 'utf8' }).stdout?.includes('version 1.') ?? false
const needsCompose = (context: TestContext) =>
  !hasCompose && context.skip('docker-compose 1.29 is not installed (Debian: apt-get install docker-compose)')

function compose(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment }
  return spawnSync('docker-compose', args, { cwd: repository, env, encoding: 'utf8' })
}

describe('docker-compose.yml', () => {
  test('starts nothing without a secret, and says which and how to make one', context => {
    needsCompose(context)
    for (const environment of [{}, { SYNCLINE_AUTH_SECRET: '' }]) {
      const { status, stderr } = compose(['--profile', 'scale', 'config'], environment)
      expect(status).not.toBe(0)
      expect(stderr).toContain('SYNCLINE_AUTH_SECRET')
      expect(stderr).toContain('openssl rand -hex 32')
    }
  })

  test('sets nothing that the server does not know, opens no server, and publishes to this machine alone', context => {
    needsCompose(context)
    const secret = 's'.repeat(32)
    const { status, stdout, stderr } = compose(['--profile', 'scale', 'config'], {
      SYNCLINE_AUTH_SECRET: secret,
    })
    expect([status, stderr]).toEqual([0, ''])
    const known = settingNames.map(environmentName)
    const named = [...stdout.matchAll(/^ +(SYNCLINE_\w+):/gm)].map(([, name]) => name)
    expect(named.filter(name => !known.includes(name!))).toEqual([])
    expect(named.filter(name => name === 'SYNCLINE_AUTH_SECRET')).toHaveLength(3)
    expect(named).not.toContain('SYNCLINE_OPEN')
    const published = [...stdout.matchAll(/^ +- (\S+):\d+\/tcp$/gm)].map(([, address]) => address)
    expect(published.sort()).toEqual(['127.0.0.1:1234', '127.0.0.1:8080'])
  })
})

/** Runs what `HEALTHCHECK` of the Dockerfile runs, from its source. */
async function healthCheck(environment: Readonly<Record<string, string>>): Promise<number | null> {
  const file = path.join(repository, 'server/src/cli/health-check.ts')
  const child = spawn(process.execPath, ['--conditions=syncline-source', file], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: 'ignore',
  })
  const [code] = await once(child, 'exit')
  return code
}

describe('the check of the image', () => {
  const fixtures = path.join(repository, 'test/fixtures/tls')
  const tls = {
    SYNCLINE_TLS_CERT: `${fixtures}/localhost-a.pem`,
    SYNCLINE_TLS_KEY: `${fixtures}/localhost-a.key.pem`,
  }

  test.each([
    ['as it is by default', {}],
    ['under a base path, with a certificate of its own', { SYNCLINE_BASE_PATH: '/collab', ...tls }],
  ])('finds a server %s', async (_, environment) => {
    await using server = await startServer({ args: ['--store', 'memory'], env: environment })
    // The server of the test is told its port by a flag, that of an image by its environment.
    expect(await healthCheck({ ...environment, PORT: String(server.port) })).toBe(0)
  })

  test('fails where none answers', async () => {
    expect(await healthCheck({ PORT: String(await freePort()) })).toBe(1)
  })

  test('is the file that the Dockerfile names', () => {
    const dockerfile = readFileSync(path.join(repository, 'Dockerfile'), 'utf8')
    expect(dockerfile).toContain('CMD ["node", "/app/server/dist/cli/health-check.js"]')
  })
})
