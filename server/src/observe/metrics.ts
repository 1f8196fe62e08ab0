/**
 * Every metric of the server: its name, what it counts and by what it is split, written once, here.
 *
 * Each server has a registry of its own, so that two in one process do not count into each other. A label has few values,
 * all known beforehand: never a document name, a user or an address, which would grow without end and tell whoever may
 * read `/metrics` what people work on.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

const loopSampleMs = 100
const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]
const windowBuckets = [1, 2, 4, 8, 16, 32, 64]

/** Codes that end a connection without being sent by us (RFC 6455, 7.4). */
const foreignCloseCodes = [1000, 1005, 1006, 1011]
const knownCloseCodes = new Set([...foreignCloseCodes, ...Object.values(closeCodes).map(({ code }) => code)])

export function createMetrics() {
  const registry = new Registry()
  // Memory, CPU, open files, garbage collection and the lag of the event loop.
  // The default of 10 ms wakes an idle server a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopSampleMs })
  const registers = [registry]
  const counter = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `syncline_${name}`, help, labelNames, registers })
  const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `syncline_${name}`, help, labelNames, registers })
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `syncline_${name}`, help, buckets, registers })

  const connectionsClosed = counter(
    'connections_closed_total',
    'Connections that ended, by close code.',
    'code',
  )
  return {
    registry,

    connections: gauge('connections', 'WebSocket connections.'),
    connectionsRefused: counter(
      'connections_refused_total',
      'Upgrades that were refused, by error code.',
      'code',
    ),
    connectionsClosed,
    /** Counts a close under its code if it is one of ours or of the standard: a client may send any of 2,000 others. */
    countClose(code: number): void {
      connectionsClosed.inc({ code: knownCloseCodes.has(code) ? String(code) : 'other' })
    },
    framesReceived: counter('frames_received_total', 'WebSocket messages received.'),
    framesSent: counter('frames_sent_total', 'WebSocket messages sent.'),
    bytesReceived: counter('received_bytes_total', 'Bytes of WebSocket messages received.'),
    bytesSent: counter('sent_bytes_total', 'Bytes of WebSocket messages sent.'),
    limitsReached: counter(
      'limits_reached_total',
      'Times that somebody reached a limit, by the name of its setting.',
      'limit',
    ),
    clientErrors: counter(
      'client_errors_total',
      'Messages of clients that could not be understood or taken.',
    ),

    rooms: gauge('rooms', 'Documents that are open.'),
    members: gauge('members', 'Connections that have joined a room.'),
    roomFailures: counter('room_failures_total', 'Rooms that had to be closed, by what failed.', 'during'),
    joinSeconds: histogram(
      'join_seconds',
      'From entering a room to its last frame of catching up.',
      secondsBuckets,
    ),
    joinBytes: counter('join_bytes_total', 'Bytes sent to bring newcomers up to date.'),

    readersLagged: counter(
      'readers_lagged_total',
      'Times that a member was skipped because it did not read.',
    ),

    updatesReceived: counter(
      'updates_received_total',
      'Updates that passed the gate, new or known.',
      'verdict',
    ),
    updatesRefused: counter('updates_refused_total', 'Updates that the gate refused, by rule.', 'rule'),
    gaps: gauge('held_ranges', 'Ranges of edits that wait behind a gap, in all rooms.'),
    windowsCommitted: counter('windows_committed_total', 'Windows that were saved.'),
    windowBytes: counter('window_bytes_total', 'Bytes of updates in saved windows.'),
    windowUpdates: histogram('window_updates', 'Updates in one window.', windowBuckets),
    commitSeconds: histogram(
      'commit_seconds',
      'From handing a window to the log until it was durable.',
      secondsBuckets,
    ),
    commitsStalled: counter(
      'commits_stalled_total',
      'Windows that waited too long for the store: their rooms were closed, or show them unsaved, by setting.',
    ),
    roomsMended: counter(
      'rooms_mended_total',
      'Rooms that read their log anew because its history was not the one they knew.',
    ),
    mergeFailures: counter(
      'merge_failures_total',
      'Content that Yjs could not merge; the log names the document.',
    ),

    presenceEntries: gauge('presence_entries', 'Presence entries held, in all rooms.'),
    presenceLeftOut: counter(
      'presence_left_out_total',
      'Presence entries left out because a limit was reached.',
    ),
    presenceForged: counter(
      'presence_forged_total',
      "Presence entries left out because their client ids are another user's.",
    ),

    storeSavedMeans: new Gauge({
      name: 'syncline_store_info',
      help: '1, with what an operator can rely on where "saved" is said.',
      labelNames: ['saved_means'],
      registers,
    }),
    storeAway: gauge('store_away', '1 while the store does not take writes, else 0.'),
    compactions: counter('compactions_total', 'Compactions, by outcome.', 'outcome'),
    compactionSeconds: histogram('compaction_seconds', 'How long a compaction took.', secondsBuckets),
    workerRestarts: counter(
      'worker_restarts_total',
      'Worker threads that died or were ended, by task.',
      'task',
    ),

    authAway: gauge(
      'auth_away',
      '1 while what is asked about tokens does not answer, else 0, by part.',
      'part',
    ),
    revocations: gauge('revocations', 'Revocations whose tokens have not ended.'),

    relayAway: gauge('relay_away', '1 while nothing is heard of other instances, else 0.'),
    publicationsPassedOver: counter(
      'publications_passed_over_total',
      'Publications of other instances that this version does not know; the log names the document.',
    ),
    presenceDropped: counter(
      'presence_dropped_total',
      'Times that presence was not told to other instances because Redis did not take it.',
    ),

    httpRequests: counter('http_requests_total', 'HTTP requests answered, by status.', 'status'),
  }
}
