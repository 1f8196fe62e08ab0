/**
 * The types that a setting may have. Which setting has which stands in `settings-table.ts`.
 */
import { isIPv6 } from 'node:net'
import { z } from 'zod'
import { withoutBrackets } from './loopback.ts'
import { parseRedisUrl, redisUrlForms } from './redis-url.ts'

/** What a value may be: how it is read from text, and how that is called in an error. */
export interface SettingType<Value> {
  readonly expected: string
  readonly schema: z.ZodType<Value, string>
}

export const text: SettingType<string> = { expected: 'some text', schema: z.string().min(1) }

export const hostName: SettingType<string> = {
  expected: 'a host name or an IP address without a port',
  schema: z
    .string()
    .transform(withoutBrackets)
    .refine(host => /^[\w.-]+$/.test(host) || isIPv6(host)),
}

/** Stays text; whoever connects parses it again. */
export const redisUrl: SettingType<string> = {
  expected: redisUrlForms,
  schema: z.string().refine(url => url === '' || parseRedisUrl(url) !== null),
}

export const yesOrNo: SettingType<boolean> = {
  expected: 'true or false',
  schema: z.enum(['true', 'false', '1', '0']).transform(word => word === 'true' || word === '1'),
}

export function oneOf<const Word extends string>(...words: Word[]): SettingType<Word> {
  return { expected: `one of ${words.join(', ')}`, schema: z.string().pipe(z.enum(words)) }
}

export function wholeNumber(min: number, max: number): SettingType<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    schema: z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number)
      .pipe(z.number().min(min).max(max)),
  }
}
