/**
 * What a setting consists of. Which there are stands in `settings-table.ts`.
 */
import { type SettingType, wholeNumber } from './setting-type.ts'

export type Unit =
  | 'bytes'
  | 'milliseconds'
  | 'entries'
  | 'ranges'
  | 'frames'
  | 'messages per second'
  | 'bytes per second'
  | 'connects per second'
  | 'connections'
  | 'documents'
  | 'rooms'
  | 'revocations'

export interface Setting<Value> {
  readonly type: SettingType<Value>
  readonly default: Value
  readonly unit: Unit | null
  readonly sentence: string
  /** It may hold a password: what it is set to is never shown. */
  readonly isSecret?: boolean
  /** The name of the environment variable where it is not `SYNCLINE_` and the setting in capitals. */
  readonly environment?: string
}

export const KiB = 1024
export const MiB = 1024 * KiB
const GiB = 1024 * MiB
export const dayMs = 24 * 60 * 60 * 1000

export function setting<Value>(
  type: SettingType<Value>,
  value: Value,
  sentence: string,
  more: Pick<Setting<Value>, 'isSecret' | 'environment'> & { unit?: Unit } = {},
): Setting<Value> {
  return { type, default: value, unit: null, sentence, ...more }
}

export const bytes = (value: number, sentence: string, min = KiB, max = GiB) =>
  setting(wholeNumber(min, max), value, sentence, { unit: 'bytes' })

export const milliseconds = (value: number, sentence: string, min = 1, max = dayMs) =>
  setting(wholeNumber(min, max), value, sentence, { unit: 'milliseconds' })

export const count = (unit: Unit, value: number, sentence: string, max = 1_000_000_000) =>
  setting(wholeNumber(1, max), value, sentence, { unit })
