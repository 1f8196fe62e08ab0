/**
 * The part of the table of settings (`settings-table.ts`) about connections: how many there may be, what each may send and leave
 * unread, and how it is found out that one is gone. All numbers are for one server; others beside it count their own.
 */
import type { z } from 'zod'
import { bytes, count, KiB, MiB, milliseconds, type Setting } from './setting.ts'

export const connectionSettings = {
  limitMessageBytes: bytes(
    16 * MiB,
    'The largest message of a client, in bytes; a larger one closes its connection with 4413, in the Hocuspocus framing its document alone.',
    64 * KiB,
    512 * MiB,
  ),
  // Somebody who types while a hundred cursors move sends less than 100 a second.
  limitMessagesPerSecond: count(
    'messages per second',
    1_000,
    'Messages per second of one connection, beyond a burst; above it, it is not read, and in the end closed with 4529.',
    1_000_000,
  ),
  limitBytesPerSecond: count(
    'bytes per second',
    4 * MiB,
    'Bytes per second of one connection, beyond a burst; above it, it is not read, and in the end closed with 4529.',
    1024 * MiB,
  ),
  // 30,000 messages and 120 MiB by default: an application may make 20,000 changes in a loop, and who comes back brings 16 MiB at once.
  burstMs: milliseconds(
    30_000,
    'How large a burst is: as much as a connection may send in so many milliseconds, all at once.',
    1_000,
    10 * 60_000,
  ),
  tooFastAfterMs: milliseconds(
    30_000,
    'A connection that is too fast for this many milliseconds without a pause is closed with 4529.',
  ),
  limitWaitingBytes: bytes(
    8 * MiB,
    'Bytes that one connection has been sent and has not read; above it, it is closed with 4508.',
    64 * KiB,
  ),
  // One read of a socket can hold thousands of small messages, and all of them arrive although it is no longer read.
  limitOpeningFrames: count(
    'frames',
    20_000,
    'Frames that a connection may send ahead while its room is loaded or an earlier frame is worked on.',
    1_000_000,
  ),
  limitOpeningBytes: bytes(
    24 * MiB,
    'Bytes that a connection may send ahead while its room is loaded or an earlier frame is worked on.',
    64 * KiB,
  ),
  limitConnections: count(
    'connections',
    20_000,
    'Connections of this server; more are refused with HTTP 503.',
    1_000_000,
  ),
  // Stock clients open one connection for each tab and document.
  limitConnectionsPerUserAndDocument: count(
    'connections',
    5,
    'Connections of one user to one document; one more is closed with 4529, unless the oldest is silent, which then gives way.',
    10_000,
  ),
  limitConnectionsPerUser: count(
    'connections',
    50,
    'Connections of one user; one more is closed with 4529, unless the oldest is silent, which then gives way.',
    1_000_000,
  ),
  limitDocumentsPerConnection: count(
    'documents',
    500,
    'Documents on one connection in the Hocuspocus framing; one more is answered by PermissionDenied.',
    100_000,
  ),
  // An office of a thousand people behind one address, with ten documents each.
  limitConnectionsPerAddress: count(
    'connections',
    10_000,
    'Connections from one address (IPv6: a /64), of which those of this machine are exempt; more are refused with HTTP 429.',
    1_000_000,
  ),
  // That office after a restart, with three documents each, comes within two seconds.
  limitConnectsPerAddressAndSecond: count(
    'connects per second',
    500,
    'Connects per second from one address (IPv6: a /64), on average over 10 s, of which those of this machine are exempt; more are refused with HTTP 429.',
    100_000,
  ),
  limitWaitingConnections: count(
    'connections',
    5_000,
    'Connections that have not shown yet who they are; more are refused with HTTP 503.',
    1_000_000,
  ),
  limitWaitingConnectionsPerAddress: count(
    'connections',
    1_000,
    'Connections from one address (IPv6: a /64) that have not shown yet who they are, of which those of this machine are exempt; more are refused with HTTP 429.',
    1_000_000,
  ),
  firstFrameTimeoutMs: milliseconds(
    10_000,
    'A connection on which nothing was said for this many milliseconds after the handshake is closed with 4508.',
    100,
    5 * 60_000,
  ),
  pingIntervalMs: milliseconds(
    30_000,
    'How often a connection is pinged, in milliseconds.',
    100,
    10 * 60_000,
  ),
  deadAfterMs: milliseconds(
    90_000,
    'A connection that has not answered for this many milliseconds is cut off.',
    200,
    60 * 60_000,
  ),
  // At most 25 s must pass (stock clients give up after 30), and the heartbeat may be late by 2.5 s.
  keepAliveIntervalMs: milliseconds(
    20_000,
    'A connection gets a data frame at least every so many milliseconds; stock clients give up after 30,000.',
    100,
    22_500,
  ),
} as const satisfies Record<string, Setting<number>>

type ConnectionSettings = {
  readonly [Name in keyof typeof connectionSettings]: z.output<
    (typeof connectionSettings)[Name]['type']['schema']
  >
}

export const connectionSettingsRules: readonly {
  readonly setting: keyof ConnectionSettings
  readonly expected: string
  readonly holds: (settings: ConnectionSettings) => boolean
}[] = [
  {
    setting: 'limitOpeningBytes',
    expected: 'at least limitMessageBytes, or a message that is allowed could never be taken',
    holds: settings => settings.limitOpeningBytes >= settings.limitMessageBytes,
  },
  {
    setting: 'deadAfterMs',
    expected: 'more than pingIntervalMs, or every connection would be cut off before its first ping',
    holds: settings => settings.deadAfterMs > settings.pingIntervalMs,
  },
]
