/**
 * `syncline token`: a token for trying things, signed with the secret that the server checks tokens with.
 */
import { randomUUID } from 'node:crypto'
import type { Access } from '@syncline/shared/api/access'
import type { Command } from 'commander'
import { type ClaimsGiven, parseClaims } from '../auth/claims.ts'
import { makeToken } from '../auth/make-token.ts'
import { systemClock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import { readSettings } from '../foundation/settings.ts'
import { flagName, type SettingName, type Settings } from '../foundation/settings-table.ts'
import { addSettingFlag } from './setting-flags.ts'
import type { Surroundings } from './surroundings.ts'

const settingsUsed: readonly SettingName[] = ['authSecret', 'authIssuer', 'authAudience', 'limitTokenLifeMs']
const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

interface TokenOptions {
  readonly user?: string
  readonly name?: string
  readonly color?: string
  readonly docs?: readonly string[]
  readonly ttl: string
}

export function addTokenCommand(program: Command, surroundings: Surroundings): void {
  const command = program.command('token')
  for (const name of settingsUsed) addSettingFlag(command, name)
  command
    .description('Makes a token for trying things, with the secret of the server (SYNCLINE_AUTH_SECRET).')
    .option('--user <id>', 'Who it is (sub).')
    .option('--name <name>', 'The name that presence shows.')
    .option('--color <color>', 'The CSS colour that presence shows.')
    .option(
      '--docs <pattern:access>',
      'What it may open, as in `team/*:write`: read, write or admin; can be given several times (default *:write).',
      (one: string, former: readonly string[] = []) => [...former, one],
    )
    .option('--ttl <time>', 'How long it lives, as in 90s, 15m, 8h or 7d.', '1h')
    .action(async (options: TokenOptions, command: Command) => {
      const settings = tokenSettings(command, surroundings)
      const token = await makeToken(claimsOf(options, settings), settings)
      surroundings.stdout(`${token}\n`)
    })
}

/** A command does not listen, so it needs no permission to; the rest of the environment is understood as a server would. */
function tokenSettings(command: Command, { environment }: Surroundings): Settings {
  const flags = new Map([[flagName('open'), 'true']])
  const values: Record<string, unknown> = command.opts()
  for (const name of settingsUsed) {
    if (command.getOptionValueSource(name) === 'cli') flags.set(flagName(name), String(values[name]))
  }
  const read = readSettings({ flags, environment })
  if (!read.ok) throw read.errors[0]!
  const { authSecret, authPublicKeyFile, authJwksUrl, authCallbackUrl } = read.values
  if (authSecret !== '') return read.values
  if (authPublicKeyFile !== '' || authJwksUrl !== '')
    throw notMade('this server has public keys only, and the application signs with the private one')
  if (authCallbackUrl !== '') throw notMade('this server asks the application, and signs nothing')
  throw notMade('there is no secret to sign with (SYNCLINE_AUTH_SECRET)')
}

function claimsOf(options: TokenOptions, { limitTokenLifeMs }: Settings): ClaimsGiven {
  const { user, name, color, docs = ['*:write'], ttl } = options
  const iat = Math.floor(systemClock.now() / 1000)
  const claims = {
    sub: user,
    name,
    color,
    // By it this one token can be revoked.
    jti: randomUUID(),
    iat,
    exp: iat + secondsOf(ttl, limitTokenLifeMs),
    docs: docs.map(patternAndAccess),
  }
  const parsed = parseClaims(claims)
  if (!parsed.ok) throw notMade(parsed.reason)
  return claims
}

/** The access stands behind the last colon: a pattern may have some as well. */
function patternAndAccess(text: string): { readonly name: string; readonly access: Access } {
  const colon = text.lastIndexOf(':')
  if (colon === -1)
    throw notMade(`--docs is pattern:access, as in team/*:write, but is ${JSON.stringify(text)}`)
  // Checked with the rest of the claims.
  return { name: text.slice(0, colon), access: text.slice(colon + 1) as Access }
}

function secondsOf(ttl: string, msMax: number): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(ttl) ?? []
  const seconds = Number(count) * (secondsPer[unit ?? ''] ?? Number.NaN)
  if (!(seconds > 0)) throw notMade(`--ttl is a time like 90s, 15m, 8h or 7d, but is ${JSON.stringify(ttl)}`)
  if (seconds * 1000 > msMax) throw notMade(`a token may live for at most ${msMax} ms (limitTokenLifeMs)`)
  return seconds
}

const notMade = (reason: string) => new AppError('TOKEN_NOT_MADE', { reason })
