import { createTokenVerifier } from '@syncline/server/internal/auth/token-verifier'
import { runCommand } from '@syncline/server/internal/cli/commands'
import { openStore } from '@syncline/server/internal/cli/operate'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import type { Settings } from '@syncline/server/internal/foundation/settings-table'
import { describe, expect, test } from 'vitest'

const secret = 'a secret that only the tests know'

async function run(
  words: readonly string[],
  environment: Record<string, string> = { SYNCLINE_AUTH_SECRET: secret },
) {
  let [stdout, stderr] = ['', '']
  const exitCode = await runCommand(['token', ...words], {
    environment,
    stdout: text => {
      stdout += String(text)
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

function verify(token: string, settings: Partial<Settings> = {}) {
  const options = { clock: systemClock, fetch, onEvent() {} }
  return createTokenVerifier(settingsWith({ authSecret: secret, ...settings }), options)!.verify(token)
}

describe('syncline token', () => {
  test('makes one that the server takes, with who it is and what it may open', async () => {
    const { exitCode, stdout, stderr } = await run([
      ...['--user', 'u1', '--name', 'Ada Lovelace', '--color', 'rgb(0, 128, 128)', '--ttl', '15m'],
      ...['--docs', 'team/*:read', '--docs', 'a:b:admin'],
    ])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const verified = await verify(stdout.trim())
    if (!verified.ok) throw verified.refusal
    const { user, docs, tokenId, issuedMs, endsMs } = verified.claims
    expect(user).toEqual({ id: 'u1', name: 'Ada Lovelace', color: 'rgb(0, 128, 128)' })
    expect(docs).toEqual([
      { name: 'team/*', access: 'read' },
      { name: 'a:b', access: 'admin' },
    ])
    expect(tokenId).toMatch(/^[\da-f-]{36}$/)
    expect(endsMs! - issuedMs!).toBe(15 * 60_000)
  })

  test('makes one for an hour and for writing everywhere where nothing is said', async () => {
    const verified = await verify((await run([])).stdout.trim())
    if (!verified.ok) throw verified.refusal
    const { user, docs, issuedMs, endsMs } = verified.claims
    expect([user, docs, endsMs! - issuedMs!]).toEqual([null, [{ name: '*', access: 'write' }], 3_600_000])
  })

  test('writes the issuer and the audience that the server expects', async () => {
    const { stdout } = await run(['--auth-issuer', 'https://app.example'], {
      SYNCLINE_AUTH_SECRET: secret,
      SYNCLINE_AUTH_AUDIENCE: 'syncline',
      HOST: '0.0.0.0',
    })
    const settings = { authIssuer: 'https://app.example', authAudience: 'syncline' }
    expect(await verify(stdout.trim(), settings)).toMatchObject({ ok: true })
  })

  const withSecret = { SYNCLINE_AUTH_SECRET: secret }
  test.each([
    [[], {}, 'TOKEN_NOT_MADE: No token can be made: there is no secret'],
    [[], { SYNCLINE_AUTH_PUBLIC_KEY_FILE: '/key.pem' }, 'this server has public keys only'],
    [[], { SYNCLINE_AUTH_JWKS_URL: 'https://app.example/keys' }, 'this server has public keys only'],
    [[], { SYNCLINE_AUTH_CALLBACK_URL: 'https://app.example/auth' }, 'this server asks the application'],
    [[], { SYNCLINE_AUTH_SECRET: 'short' }, 'SETTING_INVALID: authSecret'],
    [['--docs', 'a'], withSecret, '--docs is pattern:access'],
    [['--docs', 'a:all'], withSecret, 'docs.0.access'],
    [['--color', 'red;'], withSecret, 'expected a CSS colour'],
    [['--ttl', '0s'], withSecret, '--ttl is a time like'],
    [['--ttl', '60'], withSecret, '--ttl is a time like'],
    [['--ttl', '32d'], withSecret, 'at most 2678400000 ms'],
    [
      ['--colour', 'red'],
      withSecret,
      "COMMAND_INVALID: The command line is not understood: unknown option '--colour'",
    ],
  ])('%j with %j is refused in one line', async (words, environment, said) => {
    const { exitCode, stdout, stderr } = await run(words, environment)
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^syncline: [^\n]*\n$/)
    expect(stderr).toContain(said)
    expect(stderr).not.toContain(secret)
  })
})
