import { runCommand } from '@syncline/server/internal/cli/commands'
import { openStore } from '@syncline/server/internal/cli/operate'
import type { Settings } from '@syncline/server/internal/foundation/settings-table'
import {
  environmentName,
  flagName,
  settingNames,
  settingOf,
} from '@syncline/server/internal/foundation/settings-table'
import { describe, expect, test } from 'vitest'

async function run(line: string, environment: Record<string, string> = {}) {
  let [stdout, stderr] = ['', '']
  const served: Settings[] = []
  const exitCode = await runCommand(line.split(' ').filter(Boolean), {
    environment,
    stdout: text => {
      stdout += String(text)
    },
    stderr: text => {
      stderr += text
    },
    isTerminal: { stdout: false, stderr: false },
    openStore,
    serve: async settings => {
      served.push(settings)
      return 7
    },
  })
  return { exitCode, stdout, stderr, served }
}

describe('syncline serve', () => {
  test('serves with the settings of flags and environment, and ends with what serving ended with', async () => {
    const { exitCode, served, stderr } = await run('serve --port 4000 --no-demo --store=memory', {
      SYNCLINE_DATA: '/srv/data',
    })
    expect([exitCode, stderr]).toEqual([7, ''])
    expect(served).toMatchObject([
      { port: 4000, demo: false, store: 'memory', data: '/srv/data', open: false },
    ])
  })

  test('a flag undoes the environment, either way', async () => {
    const undone = await run('serve --no-open --demo', { SYNCLINE_OPEN: 'true', SYNCLINE_DEMO: 'false' })
    expect(undone.served).toMatchObject([{ open: false, demo: true }])
    expect((await run('serve', { SYNCLINE_OPEN: 'true' })).served).toMatchObject([{ open: true }])
  })

  test.each([
    ['serve --prot 80', 'SETTING_UNKNOWN: There is no setting --prot (did you mean --port?).'],
    ['serve --prot=80', 'SETTING_UNKNOWN: There is no setting --prot (did you mean --port?).'],
    ['serve -p 80', 'SETTING_UNKNOWN: There is no setting -p.'],
    ['serve --port eighty', 'SETTING_INVALID: port (flag --port) must be a whole number from 0 to 65535'],
    ['serve --open=maybe', 'SETTING_INVALID: open (flag --open) must be true or false, but is "maybe".'],
    [
      'serve --port',
      "COMMAND_INVALID: The command line is not understood: option '--port <port>' argument missing.",
    ],
    ['serve 80', 'COMMAND_INVALID: The command line is not understood: "80" belongs to no flag.'],
    ['serve --host 0.0.0.0', 'OPEN_REQUIRED: host (flag --host) is 0.0.0.0'],
    ['server', "COMMAND_INVALID: The command line is not understood: unknown command 'server'"],
    ['--verbose', "COMMAND_INVALID: The command line is not understood: unknown option '--verbose'"],
  ])('%s is refused in one line on stderr', async (line, said) => {
    const { exitCode, stdout, stderr, served } = await run(line)
    expect([exitCode, stdout, served]).toEqual([1, '', []])
    expect(stderr).toMatch(/^syncline: [^\n]*\n$/)
    expect(stderr).toContain(said)
  })

  test('several mistakes are several lines', async () => {
    const { stderr } = await run('serve --prot 80 --store paper', { LOG_LEVEL: 'loud', SYNCLINE_DATUM: 'x' })
    expect(stderr.trim().split('\n')).toHaveLength(4)
  })

  test('its help has every setting with its environment variable', async () => {
    const { exitCode, stdout } = await run('serve --help')
    expect(exitCode).toBe(0)
    for (const name of settingNames) {
      const flag = settingOf(name).default === true ? flagName(name).replace('--', '--no-') : flagName(name)
      expect(stdout).toContain(`  ${flag} `)
      expect(stdout).toContain(`environment ${environmentName(name)})`)
    }
  })
})

describe('syncline config', () => {
  test('prints each setting with value, unit and origin', async () => {
    const { exitCode, stdout } = await run('config --port 4000', { SYNCLINE_LIMIT_ROOMS: '12' })
    expect(exitCode).toBe(0)
    const rows = stdout
      .trim()
      .split('\n')
      .map(line => line.split(/\s{2,}/))
    expect(rows).toHaveLength(settingNames.length + 1)
    expect(rows).toContainEqual(['port', '4000', 'flag --port'])
    expect(rows).toContainEqual(['limitRooms', '12', 'rooms', 'environment SYNCLINE_LIMIT_ROOMS'])
    expect(rows).toContainEqual(['pingIntervalMs', '30000', 'milliseconds', 'default'])
  })

  test('--json prints the same for programs', async () => {
    const { stdout } = await run('config --json --no-demo')
    const settings: { setting: string; value: unknown; origin: string }[] = JSON.parse(stdout)
    expect(settings.map(({ setting }) => setting)).toEqual(settingNames)
    expect(settings.find(({ setting }) => setting === 'demo')).toMatchObject({
      value: false,
      origin: 'flag --demo',
    })
  })

  test('shows that a Redis is named, and not its password', async () => {
    const environment = { SYNCLINE_REDIS_URL: 'redis://me:hunter2@localhost' }
    for (const line of ['config', 'config --json']) {
      const { stdout } = await run(line, environment)
      expect(stdout).toContain('environment SYNCLINE_REDIS_URL')
      expect(stdout).toContain('(not shown)')
      expect(stdout).not.toContain('hunter2')
    }
  })

  test('shows that there is a secret, and not which', async () => {
    const secret = 'correct horse battery staple, and more'
    for (const line of ['config', 'config --json']) {
      const { stdout } = await run(line, { SYNCLINE_AUTH_SECRET: secret })
      expect(stdout).toContain('environment SYNCLINE_AUTH_SECRET')
      expect(stdout).not.toContain(secret)
    }
  })

  test('refuses what serve would refuse', async () => {
    const { exitCode, stdout, stderr } = await run('config', { PORT: '-1' })
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^syncline: SETTING_INVALID: port \(environment PORT\)/)
  })
})

test('syncline without a command shows the help and is no success', async () => {
  const { exitCode, stderr } = await run('')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('Commands:')
})

test('syncline --version is the version of the package', async () => {
  expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
