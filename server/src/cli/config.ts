/**
 * `syncline config`: every setting as a server started now would have it, and where it comes from.
 */
import type { ReadSettings } from '../foundation/settings.ts'
import {
  environmentName,
  flagName,
  settingNames,
  settingOf,
  shownValue,
} from '../foundation/settings-table.ts'

type Read = Extract<ReadSettings, { ok: true }>

export function configText({ values, origins }: Read): string {
  const rows = settingNames.map(name => [
    name,
    shownValue(name, values[name]),
    settingOf(name).unit ?? '',
    origins[name],
  ])
  const table = [['setting', 'value', 'unit', 'origin'], ...rows]
  const widths = [0, 1, 2].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)))
  const lines = table.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  return lines.map(line => `${line.trimEnd()}\n`).join('')
}

export function configJson({ values, origins }: Read): string {
  const settings = settingNames.map(name => ({
    setting: name,
    value: settingOf(name).isSecret === true ? shownValue(name, values[name]) : values[name],
    unit: settingOf(name).unit,
    origin: origins[name],
    flag: flagName(name),
    environment: environmentName(name),
    sentence: settingOf(name).sentence,
  }))
  return `${JSON.stringify(settings, null, 2)}\n`
}
