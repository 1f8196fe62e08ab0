/**
 * `docs/limits.md`: what each limit is for, what whoever reaches it is told, and where it is counted. The compiler asks for a row for
 * each limit of the table of settings, whose defaults are printed.
 */
import { defaultText, type LimitName, settingNames, settingOf } from '../foundation/settings-table.ts'

interface LimitNote {
  /** What happens without it. */
  readonly against: string
  /** What whoever reaches it is told: HTTP status or close code, and the code or name in it. */
  readonly told: string
  /** What has to stay below it. */
  readonly of: string
  /** In Markdown, where it is not `limits_reached_total` with its name. */
  readonly metric?: string
}

const connectionsRefused = (code: string) => `\`connections_refused_total{code=${code}}\``

const notes: Readonly<Record<LimitName, LimitNote>> = {
  limitHeaderBytes: {
    against: 'Heads without end fill the memory.',
    told: 'HTTP 431, `HEAD_TOO_LARGE`',
    of: 'one request',
  },
  handshakeTimeoutMs: {
    against: 'Sockets that begin and never finish take the places of others.',
    told: 'HTTP 408, `HANDSHAKE_TOO_SLOW`; within TLS nothing',
    of: 'one socket',
  },
  limitTokenLifeMs: {
    against: 'A token that leaks is good for ever, and its revocation has to be kept as long.',
    told: 'HTTP 401 or close code 4401, `TOKEN_CLAIMS_INVALID`',
    of: 'one token',
    metric: connectionsRefused('TOKEN_CLAIMS_INVALID'),
  },
  limitRevocations: {
    against: 'A list that grows with each revocation is compared with at each connect.',
    told: 'HTTP 409, `REVOCATIONS_FULL`, to the application',
    of: 'all instances together',
    metric: '`http_requests_total{status=409}`, and the gauge `revocations`',
  },
  limitMessageBytes: {
    against: 'One message is gathered in memory before anybody can look at it.',
    told: 'close code 4413, with both numbers; in the Hocuspocus framing its document is denied',
    of: 'one message',
  },
  limitMessagesPerSecond: {
    against: 'One connection keeps the event loop busy.',
    told: 'its socket is not read; in the end close code 4529, `TOO_MANY_MESSAGES`',
    of: 'one connection',
  },
  limitBytesPerSecond: {
    against: 'One connection fills the disk and the lines of the others.',
    told: 'its socket is not read; in the end close code 4529, `TOO_MANY_BYTES`',
    of: 'one connection',
  },
  limitWaitingBytes: {
    against: 'What a reader does not read waits in our memory.',
    told: 'close code 4508',
    of: 'one connection',
  },
  limitOpeningFrames: {
    against: 'What comes before the room is loaded waits in our memory.',
    told: 'its socket is not read from half of it on; then close code 4529, with the name',
    of: 'one document of one connection',
  },
  limitOpeningBytes: {
    against: 'What comes before the room is loaded waits in our memory.',
    told: 'its socket is not read from half of it on; then close code 4529, with the name',
    of: 'one document of one connection',
  },
  limitConnections: {
    against: 'The files that a process may open, and its memory, run out for all.',
    told: 'HTTP 503, `TOO_MANY_CONNECTIONS`',
    of: 'one instance',
  },
  limitConnectionsPerUserAndDocument: {
    against: 'Tabs that hang pile up, and one user makes a room crowded.',
    told: 'close code 4529, `TOO_MANY_CONNECTIONS_TO_DOCUMENT`; the oldest, if it is silent, gives way',
    of: 'one instance',
  },
  limitConnectionsPerUser: {
    against: 'One user takes the places of others, or opens a thousand rooms.',
    told: 'close code 4529, `TOO_MANY_CONNECTIONS_OF_USER`; the oldest, if it is silent, gives way',
    of: 'one instance',
  },
  limitDocumentsPerConnection: {
    against: 'One socket of the Hocuspocus framing opens a thousand rooms.',
    told: 'PermissionDenied for the document that is one too many, with the number',
    of: 'one connection',
  },
  limitConnectionsPerAddress: {
    against: 'One address takes the places of others.',
    told: 'HTTP 429, `TOO_MANY_CONNECTIONS_FROM_ADDRESS`',
    of: 'one instance',
  },
  limitConnectsPerAddressAndSecond: {
    against: 'One address keeps the server busy with handshakes.',
    told: 'HTTP 429, `TOO_MANY_CONNECTS`',
    of: 'one instance',
  },
  limitWaitingConnections: {
    against: 'Strangers take the places of those who have a token.',
    told: 'HTTP 503, `TOO_MANY_WAITING`',
    of: 'one instance',
  },
  limitWaitingConnectionsPerAddress: {
    against: 'Strangers at one address take the places of all other strangers.',
    told: 'HTTP 429, `TOO_MANY_WAITING_FROM_ADDRESS`',
    of: 'one instance',
  },
  firstFrameTimeoutMs: {
    against: 'Sockets that say nothing take the places of others.',
    told: 'close code 4508, with the time',
    of: 'one connection',
  },
  limitPresenceMessageBytes: {
    against: 'Presence is told to everybody at once, and kept for whoever comes.',
    told: 'close code 4413, with the name',
    of: 'one message',
  },
  limitDocumentNameBytes: {
    against: 'Names stand in memory, in logs and in keys of the store.',
    told: 'close code 4400, `DOCUMENT_NAME_INVALID`, with both numbers',
    of: 'one name',
    metric: connectionsRefused('DOCUMENT_NAME_INVALID'),
  },
  limitRoomWaitingBytes: {
    against: 'What a slow store has not taken yet waits in our memory.',
    told: 'nothing; the sockets of the authors are not read until half of it is saved',
    of: 'one document at one instance',
  },
  limitDocumentBytes: {
    against: 'A document that no browser opens any more, and no worker compacts.',
    told: 'close code 4413, with both numbers and the name',
    of: 'one document',
  },
  limitHeldRanges: {
    against: 'Edits whose predecessors never come are kept and compared for ever.',
    told: 'close code 4413, with both numbers and the name',
    of: 'one document',
  },
  limitPresenceEntriesPerRoom: {
    against: 'Invented people fill the memory of the server and of every editor.',
    told: 'nothing; more are left out',
    of: 'one document, people at other instances included',
    metric: '`presence_left_out_total`',
  },
  limitPresenceEntriesPerConnection: {
    against: 'One connection fills the places of a room.',
    told: 'nothing; more are left out',
    of: 'one connection',
    metric: '`presence_left_out_total`',
  },
  limitDeleteRangesPerUpdate: {
    against: 'A small message unfolds into a large table before it is looked at.',
    told: 'close code 4413, with the number and the name',
    of: 'one update',
  },
  limitDeleteRanges: {
    against: 'Each client that comes back sends all of them, and each room keeps them in memory.',
    told: 'close code 4413, with both numbers and the name',
    of: 'one document',
  },
  limitRooms: {
    against: 'Open documents take memory, and invented names cost nothing.',
    told: 'close code 1013',
    of: 'one instance',
  },
  limitStatelessBytes: {
    against: 'Stateless messages are handed to the application, and by a setting to everybody.',
    told: 'PermissionDenied for the document, with both numbers and the name',
    of: 'one message',
  },
}

/** Without the line that says where it comes from. */
export function limitsText(): string {
  const names = settingNames.filter((name): name is LimitName => name in notes)
  const rows = names.map(name => {
    const { against, told, of, metric = '`limits_reached_total`' } = notes[name]
    const unit = settingOf(name).unit ?? ''
    return `| \`${name}\` | ${defaultText(name)} ${unit} | ${against} | ${told} | ${of} | ${metric} |`
  })
  return `# Limits

Whatever a client can bring, hold or ask for has a limit. Each can be changed ([settings](settings.md)), answers by a code with a sentence
([errors](errors.md)), and is counted in \`/metrics\` (all names begin with \`syncline_\`): under \`limits_reached_total{limit=…}\` with its own name where the last
column says nothing else. Answers 4400 to 4499 tell stock clients to stop; all others let them come back.

Addresses count as [trusted proxies](deploying.md) tell them, IPv6 per /64; programs of this machine are exempt from limits per address. The defaults
are made for an office of a thousand people behind one address. *Of* says what is compared with the limit: what is of one instance each instance
counts by itself, so two instances let in twice as many.

| limit | default | without it | what is told | of | counted |
|---|---|---|---|---|---|
${rows.join('\n')}

## What is bounded and no setting

- Strangers, who have not shown yet who they are: 1 MiB in all, a first message of 64 KiB, 60 s. More is cut off (${connectionsRefused('STRANGER_TOO_LARGE')}).
- Refusals: who is refused again within a minute, with the same token from the same address, waits five seconds for it; 2,000 may wait, 200 from one address, and more are cut off without a word.
- Questions who is here: one a second of each connection is answered.
- Presence: a room is told of it at most a hundred times a second, since stock clients send each frame back.
- A clock more than ten million ahead of what is known of its client is refused with 4400 (\`updates_refused_total{rule=clock-jump}\`).
- Lines of the log about strangers: 50 a second of refusals and of mistakes each, 500 of connections that come and of those that go; of more, one line says how many were left out.

What floods do to honest people is measured in \`test/fault/flood-*.test.ts\`: their p99 stays within twice that of a quiet server.
`
}
