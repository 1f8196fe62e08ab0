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

/** May be empty, which is the same as not set. */
export const optionalText: SettingType<string> = { expected: 'some text', schema: z.string() }

export const hostName: SettingType<string> = {
  expected: 'a host name or an IP address without a port',
  schema: z
    .string()
    .transform(withoutBrackets)
    .refine(host => /^[\w.-]+$/.test(host) || isIPv6(host)),
}

/** Without a slash at the end. Without what URLs escape or resolve, so that there is one way to write it. */
export const basePath: SettingType<string> = {
  expected: 'a path like /collab, of letters, digits, dots, - and _, without a slash at its end',
  schema: z
    .string()
    .max(200)
    .refine(path => /^(?:\/[\w.-]+)*$/.test(path) && !/\/\.\.?(\/|$)/.test(path)),
}

/** Stays text; whoever connects parses it again. */
export const redisUrl: SettingType<string> = {
  expected: redisUrlForms,
  schema: z.string().refine(url => url === '' || parseRedisUrl(url) !== null),
}

/** Stays text. Without credentials: `fetch` refuses them, and they would be shown. */
export const httpUrl: SettingType<string> = {
  expected: 'a URL that begins with https:// or http:// and has no user name, password or #',
  schema: z.string().refine(url => url === '' || isHttpUrl(url)),
}

/** Text from which keys are made. Shorter ones can be guessed from one signed token, without asking anybody. */
export function secretText(bytesMin: number): SettingType<string> {
  return {
    expected: `at least ${bytesMin} bytes that nobody can guess, for instance of \`openssl rand -hex ${bytesMin}\``,
    schema: z.string().refine(secret => secret === '' || Buffer.byteLength(secret) >= bytesMin),
  }
}

/** In small letters, separated by commas, each once; the empty text is none. */
export function listOf(expected: string, isOne: (word: string) => boolean): SettingType<string> {
  return {
    expected: `${expected}, separated by commas`,
    schema: z
      .string()
      .transform(list => splitList(list.toLowerCase()).join(','))
      .refine(list => splitList(list).every(isOne)),
  }
}

/** What stands in a list, without the spaces round it. */
export function splitList(list: string): string[] {
  return [...new Set(list.split(',').map(word => word.trim()))].filter(word => word !== '')
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

function isHttpUrl(url: string): boolean {
  const { protocol, username, password, hash } = URL.parse(url) ?? {}
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' && hash === ''
}
