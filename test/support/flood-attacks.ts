/**
 * The floods: what attackers do, each in a bounded loop. They run in a process of their own (`flood-attacker.ts`).
 */
import * as encoding from 'lib0/encoding'
import type { WebSocket } from 'ws'
import {
  attackerOf,
  attempt,
  halfSaid,
  type Outcomes,
  patienceMsDefault,
  type Target,
  tally,
  wireOf,
} from './flood-attempt.ts'
import { providerFrame } from './provider-frames.ts'
import { awarenessUpdate, frame } from './raw-client.ts'

const MiB = 1024 * 1024
const bigMessageBytes = 50 * MiB
const tickMs = 100
/** Longer than it takes the server to give up on them. */
const notReadingMs = 24_000

export type AttackName = keyof typeof attacks

export const attacks = {
  /** Half of them say nothing at all, half of them begin a request. */
  'half heads': target =>
    tally(
      times(target, i =>
        halfSaid(target, i % 2 === 0 ? '' : 'GET /plan HTTP/1.1\r\nHost: localhost\r\nX-Slow: '),
      ),
    ),

  /** Half of them say nothing at all, half of them begin a TLS handshake: a record of 512 bytes of which 6 come. */
  'half TLS': target => {
    const helloBegins = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3)
    return tally(times(target, i => halfSaid(target, i % 2 === 0 ? '' : helloBegins)))
  },

  /** They leave when they are in. */
  'burst of connects': target =>
    tally(
      times(target, i =>
        attempt(target, { ...from(target), path: `burst-${i % 10}`, onOpen: socket => socket.close() }),
      ),
    ),

  /** Connected, and then not a word. */
  silence: target =>
    tally(times(target, () => attempt(target, { ...from(target), path: 'silence', isPage: true }))),

  /** Pages without a token, each of which sends 4 MB as its first message. */
  'megabytes of strangers': target =>
    tally(
      times(target, () =>
        attempt(target, {
          ...from(target),
          path: target.room,
          isPage: true,
          onOpen: socket => pour(socket, header(4 * MiB), 4 * MiB),
        }),
      ),
    ),

  /** One frame whose length says 50 MB, by somebody who may write. */
  'one large frame': target =>
    tally(
      times(target, () =>
        joined(target, socket => void pour(socket, header(bigMessageBytes), bigMessageBytes)),
      ),
    ),

  /** The same in pieces of a megabyte, of which none says that it is the last. */
  'large message in fragments': target =>
    tally(
      times(target, () =>
        joined(target, async socket => {
          for (let sent = 0; sent < bigMessageBytes && !wireOf(socket).destroyed; sent += MiB)
            await pour(socket, header(MiB, sent === 0 ? 0x02 : 0x00), MiB)
        }),
      ),
    ),

  /** A socket for each, as stock clients do. */
  'a thousand rooms': target =>
    tally(
      times(target, i =>
        attempt(target, {
          ...from(target),
          path: withToken(`room-${target.round}-${i}`, target.tokens.good),
          onOpen: socket => socket.send(frame.syncStep1()),
          patienceMs: 4_000,
        }),
      ),
    ),

  /** All on one socket, in the Hocuspocus framing. */
  'a thousand documents on one socket': target =>
    tally([
      attempt(target, {
        ...from(target),
        path: '',
        onOpen(socket) {
          for (let i = 0; i < target.attempts; i++)
            socket.send(providerFrame.token(`many-${i}`, target.tokens.good))
        },
        patienceMs: 4_000,
      }),
    ]),

  /** Ten thousand a second: presence, which the others in the room are told, and the question whether all is saved, in turns. */
  'tiny messages': target => {
    const perTick = (10_000 * tickMs) / 1000
    return tally(
      times(target, i =>
        joined(target, socket => {
          let clock = 0
          repeat(socket, () => {
            for (let n = 0; n < perTick; n++) {
              clock++
              socket.send(
                n % 2 === 0 ? frame.presence(1_000 + i, clock, {}) : frame.saved(Uint8Array.of(n % 128)),
              )
            }
          })
        }),
      ),
    )
  },

  /** 200 in each frame, all of them new, twenty frames a second. */
  'invented users': target => {
    let client = 1_000_000 * (target.round + 1)
    const invented = () =>
      awarenessUpdate(
        Array.from({ length: 200 }, () => ({ client: client++, clock: 1, json: '{"user":{"name":"?"}}' })),
      )
    return tally(
      times(target, () =>
        joined(
          target,
          socket =>
            repeat(socket, () => {
              for (let n = 0; n < 2; n++) socket.send(frame.awareness(invented()))
            }),
          2_500,
        ),
      ),
    )
  },

  /** Clocks that nobody has reached, edits behind gaps, and deletions without end, in turns. */
  'updates from the future': target =>
    tally(
      times(target, i =>
        joined(
          target,
          socket => {
            for (const update of fromTheFuture(i)) socket.send(frame.update(update))
          },
          3_000,
        ),
      ),
    ),

  /** Half of them bring the same one again and again, half of them a new one each time. Who is held leaves after a while. */
  'bad tokens': target =>
    tally(
      times(target, i => {
        const { bad } = target.tokens
        const token = i % 2 === 0 ? bad[0]! : bad[i % bad.length]!
        return attempt(target, { ...from(target), path: withToken(target.room, token), patienceMs: 2_000 })
      }),
    ),

  /**
   * Each asks for all of the document and for everybody's presence again and again, and reads nothing, while one of them writes more than
   * the buffers of the operating system hold.
   */
  'readers that do not read': target =>
    tally([
      joined(target, socket => writeSlowly(socket, 4_000 + target.round), 8_000),
      ...times(target, i =>
        joined(
          target,
          socket => {
            socket.send(frame.presence(2_000 + i, 1, { filler: 'x'.repeat(40_000) }))
            socket.pause()
            repeat(socket, () => {
              for (let n = 0; n < 10; n++) {
                socket.send(frame.syncStep1())
                socket.send(queryAwareness)
              }
            })
          },
          notReadingMs,
        ),
      ),
    ]),
} satisfies Record<string, (target: Target) => Promise<Outcomes>>

const queryAwareness = Uint8Array.of(3)

const times = ({ attempts }: Target, attack: (i: number) => Promise<string>) =>
  Array.from({ length: attempts }, (_, i) => attack(i))

const from = (target: Target) => ({ address: attackerOf(target) })

const withToken = (document: string, token: string) =>
  token === '' ? document : `${document}?token=${token}`

/** Does its harm once it has been told something about the room in which honest people are. */
function joined(
  target: Target,
  harm: (socket: WebSocket) => void,
  patienceMs: number = patienceMsDefault,
): Promise<string> {
  return attempt(target, {
    ...from(target),
    path: withToken(target.room, target.tokens.good),
    onOpen(socket) {
      socket.once('message', () => harm(socket))
      socket.send(frame.syncStep1())
    },
    patienceMs,
  })
}

/** Two megabytes a second for six seconds. */
function writeSlowly(socket: WebSocket, client: number): void {
  const text = 'x'.repeat(200_000)
  let written = 0
  repeat(socket, () => {
    if (written < 60) socket.send(frame.update(textAt(client, written++ * text.length, text)))
  })
}

/** As long as the socket is open, and not longer than an attacker is patient. */
function repeat(socket: WebSocket, call: () => void): void {
  const timer = setInterval(call, tickMs)
  socket.on('close', () => clearInterval(timer))
  setTimeout(() => clearInterval(timer), notReadingMs)
}

/** The beginning of a frame of so many bytes, with a mask of zeros (RFC 6455, 5.2). `0x82` is whole and binary, `0x02` is not whole. */
function header(bytes: number, first = 0x82): Uint8Array {
  const head = Buffer.alloc(14)
  head[0] = first
  head[1] = 0x80 | 127
  head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}

/** As fast as the server takes it, and no longer than it does. */
async function pour(socket: WebSocket, head: Uint8Array, bytes: number): Promise<void> {
  const wire = wireOf(socket)
  const chunk = Buffer.alloc(64 * 1024)
  wire.write(head)
  for (let sent = 0; sent < bytes && !wire.destroyed; sent += chunk.byteLength) {
    if (!wire.write(chunk))
      await new Promise<void>(resolve => wire.once('drain', resolve).once('close', resolve))
  }
}

/** Updates in Yjs' first encoding, by hand: no honest client makes them. */
function fromTheFuture(i: number): Uint8Array[] {
  const client = 5_000 + i
  switch (i % 4) {
    case 0:
      return [textAt(client, 2 ** 31 - 1)]
    case 1:
      return Array.from({ length: 200 }, (_, gap) => textAt(client, 2 + gap * 2))
    case 2:
      return [deletions(client, 150_000)]
    default:
      // It says that there are two thousand million structs, and has none.
      return [Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 7, 101, 0)]
  }
}

/** Text at a clock: one client, one struct, a string in the text `t`, and nothing deleted. */
function textAt(client: number, clock: number, text = 'x'): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, 1, client, clock, 4, 1]) encoding.writeVarUint(encoder, number)
  encoding.writeVarString(encoder, 't')
  encoding.writeVarString(encoder, text)
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

function deletions(client: number, ranges: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [0, 1, client, ranges]) encoding.writeVarUint(encoder, number)
  for (let range = 0; range < ranges; range++) {
    encoding.writeVarUint(encoder, range * 2)
    encoding.writeVarUint(encoder, 1)
  }
  return encoding.toUint8Array(encoder)
}
