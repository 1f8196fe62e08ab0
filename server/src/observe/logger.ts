/**
 * The server's log: one JSON line an event on stdout, fields and no prose. Every event has its name and level here, once,
 * so that whoever watches the log can look up what may come.
 *
 * Lines are written without waiting for the reader, and what a reader does not take is bounded. On a crash the rest is
 * flushed (`flush`), or the line that tells why would be the one that is missing.
 */
import { type DestinationStream, type Level, pino } from 'pino'

export const events = {
  /** The port is open: `url`, `host`, `port`. */
  listening: 'info',
  /** A signal came: no more connections, what is waiting is flushed. */
  stopping: 'info',
  stopped: 'info',
  /** The flush took longer than allowed, or a second signal came. */
  'stopped early': 'error',
  /** An error that nobody caught: the process ends, since its state cannot be trusted. */
  crashed: 'fatal',
  'request failed': 'error',
  /** How many files the process may have open, and how many a full server needs: a connection is one. */
  'open files': 'info',
  'open files too few': 'warn',
  /** What HTTPS goes by from now on; `validUntil` is its end. */
  'certificate read': 'info',
  'certificate outdated': 'warn',
  /** A renewed certificate cannot be used; the former one stays. */
  'certificate not read': 'error',

  'connection opened': 'info',
  'connection closed': 'info',
  /** A document on a connection: who it is and what they may do, where that was asked. */
  'session opened': 'info',
  'connection refused': 'warn',
  /** A message that cannot be understood or is not allowed: what was wrong, in one sentence. */
  'client error': 'warn',
  /** More of one `event` came in a second than are told one by one: how many `lines` were left out. Metrics count them. */
  'lines left out': 'warn',

  'room opened': 'info',
  'room closed': 'info',
  'room failed': 'error',
  'member joined': 'info',
  'member left': 'info',
  /** It does not read fast enough: skipped, and brought up to date when it has read. */
  'member lagged': 'warn',
  'update refused': 'warn',
  /** Too many entries, or too large: one line for each member. */
  'presence left out': 'warn',
  /** A member says something under the client id of another user: one line for each member. */
  'presence forged': 'warn',
  'commit stalled': 'error',
  'room mended': 'warn',
  /** Yjs threw on stored content: document, position and authors [ROOM-3]. */
  'merge failed': 'error',

  compacted: 'info',
  'compaction superseded': 'info',
  'compaction failed': 'error',
  'worker lost': 'error',

  /** An operator's command ran: which, on which document, how long. */
  'operation done': 'info',
  'operation failed': 'warn',
  /** Commands cannot reach this server; people can. */
  'operator socket failed': 'error',

  /** Also when it opens again: `savedMeans` is what can be relied on where "saved" is said. */
  'store opened': 'info',
  'store away': 'error',
  'store back': 'info',
  /** Removing what no longer counts waits for room; nobody else does. */
  'store chores stalled': 'warn',

  /** `part` is the key set, the callback or the list of revocations. */
  'auth away': 'error',
  'auth back': 'info',

  /** What other instances append is found late, and presence does not cross. */
  'relay away': 'error',
  'relay back': 'info',
  /** Redis is there and refuses subscriptions: its access rules, or a Cluster without some of its nodes. */
  'relay refused': 'error',
  /** Bytes on a document's channel that this version does not know; one line until the document is opened again. */
  'publication passed over': 'warn',
} as const satisfies Record<string, Level>

export type EventName = keyof typeof events

/** `error` is written with its stack and its causes. */
export type EventFields = Readonly<Record<string, unknown>> & { readonly msg?: never; readonly level?: never }

export interface Logger {
  event(name: EventName, fields?: EventFields): void
  /** Writes out what is waiting, now. */
  flush(): void
}

/** What a stdout that is not read may hold in memory; beyond it lines are dropped, not edits. */
const waitingLogBytesMax = 16 * 1024 * 1024

/** Logs to stdout, or to a stream that a test or an embedding program hands in. */
export function createLogger({ level, stream }: { level: string; stream?: DestinationStream }): Logger {
  const stdout =
    stream === undefined ? pino.destination({ dest: 1, sync: false, maxLength: waitingLogBytesMax }) : null
  const lines = pino(
    { level, base: null, errorKey: 'error', timestamp: pino.stdTimeFunctions.isoTime },
    (stdout ?? stream) as DestinationStream,
  )
  return {
    event(name, fields = {}) {
      lines[events[name]](fields, name)
    },
    flush() {
      try {
        stdout?.flushSync()
      } catch {
        // Nobody reads stdout any more, or it was never opened: there is no one left to tell.
      }
    },
  }
}

/** For code that embeds the server and does not want its log. */
export const silentLogger: Logger = { event() {}, flush() {} }
