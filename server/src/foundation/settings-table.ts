/**
 * Every setting of the server, in one table: what it is called, what it may be, what it is by default, and one sentence
 * about it. Flags, `--help`, environment names, `syncline config` and `docs/settings.md` all come from here.
 */
import type { z } from 'zod'
import { authSettings, authSettingsRules } from './auth-settings.ts'
import { connectionSettings, connectionSettingsRules } from './connection-settings.ts'
import { frontSettings, frontSettingsRules } from './front-settings.ts'
import { bytes, count, KiB, MiB, milliseconds, type Setting, setting } from './setting.ts'
import { hostName, oneOf, redisUrl, text, wholeNumber, yesOrNo } from './setting-type.ts'

export const settingsTable = {
  host: setting(
    hostName,
    '127.0.0.1',
    'The address to listen on; any that other machines can reach needs authentication, or `open`.',
    { environment: 'HOST' },
  ),
  port: setting(wholeNumber(0, 65_535), 1234, 'The port for HTTP and WebSocket; 0 takes any free one.', {
    environment: 'PORT',
  }),
  open: setting(
    yesOrNo,
    false,
    'Lets in everybody who can reach the port; without it and without authentication, only this machine is served.',
  ),
  ...frontSettings,
  demo: setting(yesOrNo, true, 'Serves the demo editor at `/`.'),
  data: setting(
    text,
    './data',
    'The folder of the disk store; made if there is none, and used by one server at a time.',
  ),
  store: setting(
    oneOf('disk', 'memory'),
    'disk',
    'Where documents are kept; with `memory` they are gone when the server stops. `redisUrl` takes the place of `disk`.',
  ),
  redisUrl: setting(
    redisUrl,
    '',
    'The Redis in which documents are kept, for one server or many; the environment is the place for it, since others can read flags.',
    { isSecret: true },
  ),
  ...authSettings,
  logLevel: setting(
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'Log lines below this level are left out.',
    { environment: 'LOG_LEVEL' },
  ),
  ...connectionSettings,
  limitPresenceMessageBytes: bytes(
    64 * KiB,
    'The largest presence message of a client, in bytes; a larger one closes its connection with 4413.',
    KiB,
    16 * MiB,
  ),
  limitDocumentNameBytes: bytes(
    KiB,
    'The longest name of a document, in bytes of UTF-8; a longer one is refused.',
    16,
    8 * KiB,
  ),
  limitRoomWaitingBytes: bytes(
    4 * MiB,
    'Bytes of edits in one room that are not saved yet; above it the sockets of their authors are not read.',
    64 * KiB,
  ),
  // No browser opens a larger one, and a worker has to load it whole for each base that it makes.
  limitDocumentBytes: bytes(
    256 * MiB,
    'The largest document, in bytes of stored updates; above it an update that brings content is refused with 4413, one that only deletes is not.',
    64 * KiB,
  ),
  limitHeldRanges: count(
    'ranges',
    10_000,
    'Ranges of edits in one room that wait behind a gap; an update that adds more is refused.',
    10_000_000,
  ),
  limitPresenceEntriesPerRoom: count(
    'entries',
    2_000,
    'Presence entries (people, tabs) in one room; more are left out.',
    1_000_000,
  ),
  limitPresenceEntriesPerConnection: count(
    'entries',
    100,
    'Presence entries that one connection brings to a room; more are left out.',
    1_000_000,
  ),
  limitDeleteRangesPerUpdate: count(
    'ranges',
    100_000,
    'Deleted ranges in one update; an update with more is refused.',
    100_000_000,
  ),
  // A text that was edited all over has about 14 in a KB: this is one of several MB. Less than one update may bring, since a client
  // that comes back sends all of them at once, and some more come of themselves (Yjs deletes while it integrates).
  limitDeleteRanges: count(
    'ranges',
    80_000,
    'Deleted ranges in one document; an update that adds more is refused with 4413.',
    100_000_000,
  ),
  limitRooms: count(
    'rooms',
    100_000,
    'Documents that are open at once; a connection for one more is closed with 1013.',
    10_000_000,
  ),
  storeGraceMs: milliseconds(
    2_000,
    'How long the store may not answer, in milliseconds, before it counts as away.',
    100,
    60_000,
  ),
  storeAway: setting(
    oneOf('auto', 'refuse', 'continue'),
    'auto',
    'What happens to edits while the store is away: they wait unseen (`refuse`), or people see them unsaved (`continue`). `auto` continues on Redis.',
  ),
  storeAwayCloseAfterMs: milliseconds(
    10_000,
    'How long an edit may wait for the store, in milliseconds, before its room is closed with 1013.',
  ),
  presenceGraceMs: milliseconds(
    2_000,
    'How many milliseconds somebody whose connection was lost is still shown, so that a quick return is not seen.',
    0,
    60_000,
  ),
  presenceOutdatedMs: milliseconds(
    30_000,
    'A presence entry that was not renewed for this many milliseconds is not shown to newcomers.',
    1_000,
  ),
  limitStatelessBytes: bytes(
    64 * KiB,
    'The largest stateless message in the Hocuspocus framing, in bytes; a larger one ends its document with 4413.',
    KiB,
    16 * MiB,
  ),
  statelessForAll: setting(
    yesOrNo,
    false,
    'Whether a stateless message of somebody who may write is told to everybody in the document, at all instances.',
  ),
  presenceOfReaders: setting(yesOrNo, true, 'Shows people who may only read to the others.'),
  roomIdleMs: milliseconds(
    5_000,
    'A room in which nobody has been for this many milliseconds is let go; its document stays in the store.',
    0,
  ),
  generationKeepMs: milliseconds(
    60_000,
    'How many milliseconds a base is kept after a newer one has replaced it, for those who are still reading it; in Redis at least 600,000.',
    0,
  ),
} as const satisfies Record<string, Setting<string> | Setting<boolean> | Setting<number>>

export type SettingName = keyof typeof settingsTable

/** The settings that are limits: where one is reached, it is counted under its name. */
export type LimitName = Extract<SettingName, `limit${string}` | 'firstFrameTimeoutMs' | 'handshakeTimeoutMs'>

/** The values of all settings. */
export type Settings = {
  readonly [Name in SettingName]: z.output<(typeof settingsTable)[Name]['type']['schema']>
}

/** In the order of the table. */
export const settingNames = Object.keys(settingsTable) as SettingName[]

/** The table by a name that is only known when the program runs. */
export function settingOf(name: SettingName): Setting<string | number | boolean> {
  return settingsTable[name] as Setting<string | number | boolean>
}

/** `limitMessageBytes` is set by `SYNCLINE_LIMIT_MESSAGE_BYTES`; a few have the name that everybody expects. */
export function environmentName(name: SettingName): string {
  return settingOf(name).environment ?? `SYNCLINE_${words(name).join('_').toUpperCase()}`
}

/** `limitMessageBytes` is set by `--limit-message-bytes`. */
export function flagName(name: SettingName): string {
  return `--${words(name).join('-')}`
}

/** A value as it may be shown. */
export function shownValue(name: SettingName, value: string | number | boolean): string {
  return settingOf(name).isSecret === true && value !== '' ? '(not shown)' : String(value)
}

/** The default as people read it: large numbers of bytes in MiB or KiB beside the number. */
export function defaultText(name: SettingName): string {
  const { default: value, unit } = settingOf(name)
  if (!unit?.startsWith('bytes') || typeof value !== 'number' || value % KiB !== 0) return String(value)
  return `${value} (${value % MiB === 0 ? `${value / MiB} MiB` : `${value / KiB} KiB`})`
}

function words(name: SettingName): string[] {
  return name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`).split(' ')
}

/** What must hold between two settings, or one undoes the other. */
export const settingsRules: readonly {
  readonly setting: SettingName
  readonly expected: string
  readonly holds: (settings: Settings) => boolean
}[] = [
  {
    setting: 'store',
    expected: 'disk where redisUrl is given, which then takes its place',
    holds: settings => settings.redisUrl === '' || settings.store === 'disk',
  },
  {
    setting: 'limitPresenceMessageBytes',
    expected: 'at most limitMessageBytes',
    holds: settings => settings.limitPresenceMessageBytes <= settings.limitMessageBytes,
  },
  {
    setting: 'limitDeleteRanges',
    expected: 'at most limitDeleteRangesPerUpdate, or who has all of a document could not come back to it',
    holds: settings => settings.limitDeleteRanges <= settings.limitDeleteRangesPerUpdate,
  },
  {
    setting: 'roomIdleMs',
    expected: 'more than presenceGraceMs, or a room would be gone before those who left it are',
    holds: settings => settings.roomIdleMs > settings.presenceGraceMs,
  },
  ...frontSettingsRules,
  ...connectionSettingsRules,
  ...authSettingsRules,
]
