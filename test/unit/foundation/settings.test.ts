import { AppError } from '@syncline/server/internal/foundation/errors'
import { hasAuthentication, readSettings, settingsWith } from '@syncline/server/internal/foundation/settings'
import {
  environmentName,
  flagName,
  settingNames,
  settingOf,
  settingsRules,
} from '@syncline/server/internal/foundation/settings-table'
import { describe, expect, test } from 'vitest'

type Sources = { flags?: Record<string, string>; environment?: Record<string, string> }
const read = ({ flags = {}, environment = {} }: Sources = {}) =>
  readSettings({ flags: new Map(Object.entries(flags)), environment })

function valuesOf(sources: Sources) {
  const result = read(sources)
  if (!result.ok) throw result.errors[0]
  return result
}

function errorsOf(sources: Sources): string[] {
  const result = read(sources)
  return result.ok ? [] : result.errors.map(error => `${error.code}: ${error.message}`)
}

describe('settings', () => {
  test('are those of the table where nothing is said', () => {
    const { values, origins } = valuesOf({ environment: { PATH: '/bin', HOME: '/root' } })
    for (const name of settingNames) {
      expect(values[name]).toBe(settingOf(name).default)
      expect(origins[name]).toBe('default')
    }
  })

  test('come from a flag before the environment, and say so', () => {
    const both = { flags: { '--port': '4000' }, environment: { PORT: '5000', LOG_LEVEL: 'debug' } }
    const { values, origins } = valuesOf(both)
    expect(values.port).toBe(4000)
    expect(origins.port).toBe('flag --port')
    expect(values.logLevel).toBe('debug')
    expect(origins.logLevel).toBe('environment LOG_LEVEL')
  })

  test('an environment variable that is empty counts as not set, as in a compose file', () => {
    expect(valuesOf({ environment: { PORT: '', SYNCLINE_DATA: '' } }).values.port).toBe(1234)
  })

  test('yes-or-no settings are read from the words that people use', () => {
    for (const [word, value] of [
      ['true', true],
      ['1', true],
      ['false', false],
      ['0', false],
    ] as const) {
      expect(valuesOf({ environment: { SYNCLINE_DEMO: word } }).values.demo).toBe(value)
    }
    expect(errorsOf({ environment: { SYNCLINE_DEMO: 'no' } })).toEqual([
      'SETTING_INVALID: demo (environment SYNCLINE_DEMO) must be true or false, but is "no".',
    ])
  })

  test.each(['80a', '-1', '65536', '1e3', '0x50', ' 80', '1.5', 'NaN', '99999999999999999999'])(
    'a port of %j is refused with what was expected, what came and where from',
    port => {
      expect(errorsOf({ environment: { PORT: port } })).toEqual([
        `SETTING_INVALID: port (environment PORT) must be a whole number from 0 to 65535, but is ${JSON.stringify(port)}.`,
      ])
    },
  )

  test('the ends of a range are in it', () => {
    expect(valuesOf({ flags: { '--port': '0' } }).values.port).toBe(0)
    expect(valuesOf({ flags: { '--port': '65535' } }).values.port).toBe(65_535)
  })

  test.each([
    ['SYNCLINE_PORT', ' (did you mean PORT?)'],
    ['SYNCLINE_LOG_LEVEL', ' (did you mean LOG_LEVEL?)'],
    ['SYNCLINE_DAAT', ' (did you mean SYNCLINE_DATA?)'],
    ['SYNCLINE_LIMIT_CONECTIONS', ' (did you mean SYNCLINE_LIMIT_CONNECTIONS?)'],
    ['SYNCLINE_WEATHER_FORECAST', ''],
  ])('the unknown environment variable %s is refused%s', (variable, meant) => {
    expect(errorsOf({ environment: { [variable]: '1' } })).toEqual([
      `SETTING_UNKNOWN: There is no setting ${variable}${meant}.`,
    ])
  })

  test('an unknown flag is refused, with what was probably meant', () => {
    expect(errorsOf({ flags: { '--prot': '80' } })).toEqual([
      'SETTING_UNKNOWN: There is no setting --prot (did you mean --port?).',
    ])
  })

  test('all mistakes are told at once', () => {
    const environment = { PORT: 'x', LOG_LEVEL: 'loud', SYNCLINE_STORE: 'paper', SYNCLINE_NOPE: '1' }
    expect(errorsOf({ environment })).toHaveLength(4)
  })

  test.each(['127.0.0.1', '127.8.9.10', 'localhost', 'LOCALHOST', '::1', '[::1]', '0:0:0:0:0:0:0:1'])(
    'host %s is this machine and needs no --open',
    host => {
      expect(valuesOf({ environment: { HOST: host } }).values.open).toBe(false)
    },
  )

  test.each([
    '0.0.0.0',
    '::',
    '192.168.1.2',
    'example.org',
    '::ffff:127.0.0.1',
    '128.0.0.1',
    '127.example.org',
  ])('host %s needs --open, and the error names it', host => {
    const [error, ...more] = errorsOf({ environment: { HOST: host } })
    expect(error).toMatch(/^OPEN_REQUIRED: host \(environment HOST\) is /)
    expect(error).toContain(host)
    expect(more).toEqual([])
    expect(valuesOf({ flags: { '--open': 'true' }, environment: { HOST: host } }).values.open).toBe(true)
  })

  test('what an OPEN_REQUIRED error asks for is authentication or --open', () => {
    const result = read({ environment: { HOST: '0.0.0.0' } })
    const act = result.ok ? '' : result.errors[0]?.entry.act
    expect(act).toContain('SYNCLINE_AUTH_SECRET')
    expect(act).toContain('--open')
  })

  test.each([
    ['SYNCLINE_AUTH_SECRET', 's'.repeat(32)],
    ['SYNCLINE_AUTH_PUBLIC_KEY_FILE', '/run/key.pem'],
    ['SYNCLINE_AUTH_JWKS_URL', 'https://app.example/keys'],
    ['SYNCLINE_AUTH_CALLBACK_URL', 'https://app.example/auth'],
  ])('with %s other machines may be served without --open', (variable, value) => {
    const { values } = valuesOf({ environment: { HOST: '0.0.0.0', [variable]: value } })
    expect([hasAuthentication(values), values.open]).toEqual([true, false])
  })

  test.each(['http://localhost', '127.0.0.1:80', 'a b', '[::1', 'localhost]'])('host %j is refused', host => {
    const errors = errorsOf({ environment: { HOST: host, SYNCLINE_OPEN: 'true' } })
    expect(errors[0]).toMatch(/^SETTING_INVALID: host/)
  })

  test('two settings that undo each other are refused', () => {
    expect(errorsOf({ flags: { '--limit-message-bytes': String(32 * 1024 * 1024) } })).toEqual([
      'SETTING_INVALID: limitOpeningBytes must be at least limitMessageBytes, or a message that is allowed could never be taken, but is "25165824".',
    ])
  })

  test('a Redis takes the place of the disk, and memory beside it is refused', () => {
    const redis = { SYNCLINE_REDIS_URL: 'redis://localhost' }
    expect(valuesOf({ environment: redis }).values).toMatchObject({ redisUrl: 'redis://localhost' })
    expect(errorsOf({ environment: { ...redis, SYNCLINE_STORE: 'memory' } })).toEqual([
      'SETTING_INVALID: store (environment SYNCLINE_STORE) must be disk where redisUrl is given, which then takes its place, but is "memory".',
    ])
  })

  test('what may hold a password is not repeated in an error', () => {
    const [error, ...more] = errorsOf({ environment: { SYNCLINE_REDIS_URL: 'redis://me:secret@a/b/c' } })
    expect(error).toMatch(/^SETTING_INVALID: redisUrl \(environment SYNCLINE_REDIS_URL\) must be redis:\/\//)
    expect(error).not.toContain('secret')
    expect(more).toEqual([])
  })

  test('a secret that can be guessed is refused, and not repeated', () => {
    const secret = 'a secret of thirty-one letters!'
    expect(errorsOf({ environment: { SYNCLINE_AUTH_SECRET: secret } })).toEqual([
      'SETTING_INVALID: authSecret (environment SYNCLINE_AUTH_SECRET) must be at least 32 bytes that nobody can guess, for instance of `openssl rand -hex 32`, but is something else.',
    ])
    expect(valuesOf({ environment: { SYNCLINE_AUTH_SECRET: `${secret}!` } }).values.authSecret).toHaveLength(
      32,
    )
  })

  test('only one thing says who somebody is', () => {
    const environment = {
      SYNCLINE_AUTH_SECRET: 's'.repeat(32),
      SYNCLINE_AUTH_CALLBACK_URL: 'https://app.example/auth',
    }
    expect(errorsOf({ environment })).toEqual([
      'SETTING_INVALID: authCallbackUrl (environment SYNCLINE_AUTH_CALLBACK_URL) must be empty where authSecret or authPublicKeyFile or authJwksUrl is given: only one of them says who somebody is, but is "https://app.example/auth".',
    ])
  })

  test.each([
    ['SYNCLINE_AUTH_JWKS_URL', 'ftp://app.example/keys'],
    ['SYNCLINE_AUTH_JWKS_URL', 'https://me:secret@app.example/keys'],
    ['SYNCLINE_AUTH_CALLBACK_URL', 'app.example'],
    ['SYNCLINE_AUTH_CALLBACK_HEADERS', 'x-tenant, content-length'],
    ['SYNCLINE_AUTH_CALLBACK_HEADERS', 'x tenant'],
    ['SYNCLINE_AUTH_CALLBACK_HEADERS', 'cookie'],
    ['SYNCLINE_AUTH_CALLBACK_COOKIE_ORIGINS', 'https://app.example/'],
    ['SYNCLINE_AUTH_CALLBACK_COOKIE_ORIGINS', '*'],
    ['SYNCLINE_AUTH_ISSUER', 'https://app.example'],
    ['SYNCLINE_ALLOWED_ORIGINS', 'app.example'],
    ['SYNCLINE_ALLOWED_ORIGINS', 'https://app.example/path'],
    ['SYNCLINE_ALLOWED_ORIGINS', 'null'],
    ['SYNCLINE_TRUSTED_PROXIES', 'proxy.example'],
    ['SYNCLINE_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['SYNCLINE_TRUSTED_PROXIES', '10.0.0/8'],
    ['SYNCLINE_TRUSTED_PROXIES', 'fd00::/129'],
    ['SYNCLINE_BASE_PATH', 'collab'],
    ['SYNCLINE_BASE_PATH', '/'],
    ['SYNCLINE_BASE_PATH', '/collab/'],
    ['SYNCLINE_BASE_PATH', '/a/../b'],
    ['SYNCLINE_BASE_PATH', '/a//b'],
    ['SYNCLINE_BASE_PATH', '/a%20b'],
    ['SYNCLINE_TLS_CERT', '/etc/tls/cert.pem'],
    ['SYNCLINE_TLS_KEY', '/etc/tls/key.pem'],
  ])('%s may not be %s', (variable, value) => {
    expect(errorsOf({ environment: { [variable]: value } })).toHaveLength(1)
  })

  test('a list is taken with spaces, capitals and repetitions', () => {
    const environment = {
      SYNCLINE_AUTH_CALLBACK_HEADERS: ' X-Tenant,cookie , x-tenant,',
      SYNCLINE_AUTH_CALLBACK_COOKIE_ORIGINS: 'https://App.example, http://localhost:3000',
    }
    expect(valuesOf({ environment }).values).toMatchObject({
      authCallbackHeaders: 'x-tenant,cookie',
      authCallbackCookieOrigins: 'https://app.example,http://localhost:3000',
    })
  })

  test('every rule between settings holds for the defaults and can be broken', () => {
    const broken = settingsWith()
    for (const rule of settingsRules) {
      expect(rule.holds(broken)).toBe(true)
      const wrong = typeof broken[rule.setting] === 'string' ? 'cookie' : 0
      const worst = { ...broken, [rule.setting]: wrong, limitMessageBytes: -1, limitPresenceMessageBytes: 0 }
      const opposite = {
        ...broken,
        limitOpeningBytes: 0,
        deadAfterMs: 0,
        roomIdleMs: 0,
        limitPresenceMessageBytes: 1e12,
        limitDeleteRanges: 1e12,
        redisUrl: 'redis://localhost',
        store: 'memory' as const,
        authSecret: 'x',
        authPublicKeyFile: 'x',
        authJwksUrl: 'x',
        authCallbackUrl: 'x',
      }
      expect(rule.holds(worst) && rule.holds(opposite)).toBe(false)
    }
  })
})

describe('the table of settings', () => {
  test('gives each setting a name of its own for flags and for the environment', () => {
    expect(new Set(settingNames.map(flagName)).size).toBe(settingNames.length)
    expect(new Set(settingNames.map(environmentName)).size).toBe(settingNames.length)
    expect(environmentName('data')).toBe('SYNCLINE_DATA')
    expect(environmentName('limitPresenceEntriesPerRoom')).toBe('SYNCLINE_LIMIT_PRESENCE_ENTRIES_PER_ROOM')
    expect(environmentName('host')).toBe('HOST')
    expect(flagName('pingIntervalMs')).toBe('--ping-interval-ms')
  })

  test('has the unit of a measure in its name or sentence, and one sentence each', () => {
    for (const name of settingNames) {
      const { unit, sentence } = settingOf(name)
      expect(sentence).toMatch(/^[A-Z].*\.$/)
      if (unit === 'milliseconds') expect(name).toMatch(/Ms$/)
      if (unit === 'bytes') expect(name).toMatch(/Bytes$/)
      if (name.startsWith('limit')) expect(unit).not.toBeNull()
      if (unit !== null) expect(`${name} ${sentence}`.toLowerCase()).toContain(unit.toLowerCase().slice(0, 5))
    }
  })

  test('has defaults that its own types take', () => {
    for (const name of settingNames) {
      const { type, default: value } = settingOf(name)
      expect(type.schema.parse(String(value))).toBe(value)
    }
  })
})

describe('settings of code that embeds the server', () => {
  test('are the defaults but for what is given', () => {
    expect(settingsWith({ port: 0, store: 'memory' })).toEqual({
      ...settingsWith(),
      port: 0,
      store: 'memory',
    })
  })

  test('are checked like all others', () => {
    expect(() => settingsWith({ port: -1 })).toThrow(AppError)
    expect(() => settingsWith({ host: '0.0.0.0' })).toThrow(/other machines/)
    expect(() => settingsWith({ prot: 1 } as never)).toThrow(/did you mean port/)
  })
})
