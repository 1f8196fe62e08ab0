/**
 * Reads the settings from flags, environment and defaults, in this order, and says of each where it came from.
 *
 * Everything is checked here, once, before anything is opened: a server that starts with a setting that it does not know
 * or cannot use would do something else than its operator believes. All mistakes are told at once.
 */
import { AppError } from './errors.ts'
import { isLoopback } from './loopback.ts'
import { nearest } from './nearest.ts'
import {
  environmentName,
  flagName,
  type SettingName,
  type Settings,
  settingNames,
  settingOf,
  settingsRules,
} from './settings-table.ts'

/** Where a value came from: a flag, an environment variable (with its name), code that embeds the server, or the default. */
export type Origin = 'default' | 'code' | `flag ${string}` | `environment ${string}`

export type ReadSettings =
  | { readonly ok: true; readonly values: Settings; readonly origins: Readonly<Record<SettingName, Origin>> }
  | { readonly ok: false; readonly errors: readonly AppError[] }

export interface SettingsSources {
  /** The text behind each flag, by the flag's name (`--port`); `true` and `false` for flags that take none. */
  readonly flags: ReadonlyMap<string, string>
  readonly environment: Readonly<Record<string, string | undefined>>
}

interface Given {
  readonly origin: Origin
  readonly text: string
}

/** Values, or every mistake that was found. An environment variable that is empty counts as not set. */
export function readSettings({ flags, environment }: SettingsSources): ReadSettings {
  const given = new Map<SettingName, Given>()
  for (const name of settingNames) {
    const [flag, variable] = [flagName(name), environmentName(name)]
    const [flagText, variableText] = [flags.get(flag), environment[variable]]
    if (flagText !== undefined) given.set(name, { origin: `flag ${flag}`, text: flagText })
    else if (variableText) given.set(name, { origin: `environment ${variable}`, text: variableText })
  }
  return check(given, [...unknownFlags(flags), ...unknownVariables(environment)])
}

/** Settings for code that embeds the server: what is not given is as by default. Throws the first mistake. */
export function settingsWith(values: Partial<Settings> = {}): Settings {
  const given = new Map<SettingName, Given>()
  for (const [name, value] of Object.entries(values)) {
    if (!isSettingName(name)) throw unknown(name, settingNames)
    if (value !== undefined) given.set(name, { origin: 'code', text: String(value) })
  }
  const read = check(given, [])
  if (!read.ok) throw read.errors[0]!
  return read.values
}

/** Whether people have to prove who they are, which is what else it takes to let in others than this machine. */
export function hasAuthentication(
  settings: Pick<Settings, 'authSecret' | 'authPublicKeyFile' | 'authJwksUrl' | 'authCallbackUrl'>,
): boolean {
  const { authSecret, authPublicKeyFile, authJwksUrl, authCallbackUrl } = settings
  return [authSecret, authPublicKeyFile, authJwksUrl, authCallbackUrl].some(way => way !== '')
}

function check(given: ReadonlyMap<SettingName, Given>, unknowns: readonly AppError[]): ReadSettings {
  const errors = [...unknowns]
  const values: Partial<Record<SettingName, string | number | boolean>> = {}
  const origins: Partial<Record<SettingName, Origin>> = {}
  for (const name of settingNames) {
    const { type, default: value } = settingOf(name)
    const source = given.get(name)
    origins[name] = source?.origin ?? 'default'
    const parsed =
      source === undefined ? { success: true as const, data: value } : type.schema.safeParse(source.text)
    if (parsed.success) values[name] = parsed.data
    else errors.push(invalid(name, source as Given, type.expected))
  }
  if (errors.length > 0) return { ok: false, errors }
  // Each name of the table has been given a value of its own type just now.
  const settings = values as unknown as Settings
  const where = origins as Record<SettingName, Origin>
  const broken = checkTogether(settings, where)
  return broken.length > 0 ? { ok: false, errors: broken } : { ok: true, values: settings, origins: where }
}

function checkTogether(settings: Settings, origins: Record<SettingName, Origin>): AppError[] {
  const errors: AppError[] = settingsRules
    .filter(rule => !rule.holds(settings))
    .map(rule =>
      invalid(
        rule.setting,
        { origin: origins[rule.setting], text: String(settings[rule.setting]) },
        rule.expected,
      ),
    )
  if (!settings.open && !hasAuthentication(settings) && !isLoopback(settings.host)) {
    errors.push(new AppError('OPEN_REQUIRED', { setting: called('host', origins.host), host: settings.host }))
  }
  return errors
}

function unknownFlags(flags: ReadonlyMap<string, string>): AppError[] {
  const known = settingNames.map(flagName)
  return [...flags.keys()].filter(flag => !known.includes(flag)).map(flag => unknown(flag, known))
}

function unknownVariables(environment: SettingsSources['environment']): AppError[] {
  const known = settingNames.map(environmentName)
  return Object.keys(environment)
    .filter(variable => variable.startsWith('SYNCLINE_') && !known.includes(variable))
    .map(variable => unknown(variable, known))
}

function unknown(setting: string, known: readonly string[]): AppError {
  // SYNCLINE_PORT is a better guess at PORT than at SYNCLINE_DATA.
  const short = setting.replace(/^SYNCLINE_/, '')
  const meant = known.includes(short) ? short : nearest(setting, known)
  return new AppError('SETTING_UNKNOWN', {
    setting,
    meant: meant === null ? '' : ` (did you mean ${meant}?)`,
  })
}

function invalid(name: SettingName, { origin, text }: Given, expected: string): AppError {
  return new AppError('SETTING_INVALID', {
    setting: called(name, origin),
    expected,
    found: settingOf(name).isSecret === true ? 'something else' : JSON.stringify(text),
  })
}

/** The setting, and by what it was set: whoever must correct it has to find it. */
function called(name: SettingName, origin: Origin): string {
  return origin === 'default' || origin === 'code' ? name : `${name} (${origin})`
}

function isSettingName(name: string): name is SettingName {
  return (settingNames as string[]).includes(name)
}
