/**
 * The flags of a command that reads settings, made from the table of settings.
 */
import { type Command, Option } from 'commander'
import { AppError } from '../foundation/errors.ts'
import {
  defaultText,
  environmentName,
  flagName,
  type SettingName,
  settingNames,
  settingOf,
} from '../foundation/settings-table.ts'

/** Adds a flag for each setting, with its sentence, its default and its environment variable in `--help`. */
export function addSettingFlags(command: Command): Command {
  for (const name of settingNames) for (const option of optionsOf(name)) command.addOption(option)
  // Read with the rest of the settings, so that all mistakes are told at once and in the same words.
  return command.allowUnknownOption().allowExcessArguments()
}

/** Adds the flag of one setting, for a command that reads no other. */
export function addSettingFlag(command: Command, name: SettingName): void {
  for (const option of optionsOf(name)) command.addOption(option)
}

/** What was given on the command line, unknown flags included. Throws `COMMAND_INVALID` for words that belong to no flag. */
export function givenFlags(command: Command): Map<string, string> {
  const flags = new Map<string, string>()
  const values: Record<string, unknown> = command.opts()
  for (const name of settingNames) {
    if (command.getOptionValueSource(name) === 'cli') flags.set(flagName(name), String(values[name]))
  }
  const [first] = command.args
  if (first !== undefined && !first.startsWith('-')) {
    throw new AppError('COMMAND_INVALID', { reason: `"${first}" belongs to no flag` })
  }
  for (const word of command.args) {
    const [, flag, value] = /^(-[^=]*)=?(.*)$/s.exec(word) ?? []
    if (flag !== undefined) flags.set(flag, value ?? '')
  }
  return flags
}

function optionsOf(name: SettingName): Option[] {
  const { default: value, unit, sentence } = settingOf(name)
  const flag = flagName(name)
  const where = `(default ${defaultText(name)}, environment ${environmentName(name)})`
  const description = `${sentence} ${where}`
  if (typeof value !== 'boolean') return [new Option(`${flag} <${unit ?? name}>`, description)]
  const [on, off] = [
    new Option(flag, description),
    new Option(flag.replace('--', '--no-'), `Switches this off: ${description}`),
  ]
  // Both work, so that a flag can undo the environment; the one that says what is so anyway need not be read about.
  return value ? [on.hideHelp(), off] : [on, off.hideHelp()]
}
