/**
 * Before a server is measured: does the load generator speak and count as stock clients do? Its bytes are compared with what
 * Yjs writes; a stock client in the same room must read what the generator writes, and the generator must count what
 * the stock client and its own people write, each edit once.
 */
import { strict as assert } from 'node:assert'
import { Crowd, movingCursors, typing } from '../load/crowd.ts'
import {
  charactersPerEdit,
  cursorUpdate,
  editsOf,
  firstClient,
  largeEditBytes,
  largeUpdate,
  lettersOf,
  mapName,
  movesOf,
  textName,
  typingUpdate,
} from '../load/edits.ts'
import { framingsOf } from '../load/framing.ts'
import { type RunningServer, withDataFolder } from '../servers/start-server.ts'
import type { Target } from '../servers/targets.ts'
import { connectStock, type StockClient } from './stock-client.ts'

const edits = 20
const waitMsMax = 10_000
const pollMs = 10
/** The writer whose place the stock client takes, behind those of the generator. */
const stockWriter = 2

export async function selfTest(target: Target): Promise<void> {
  const Y = await import('yjs')
  compareBytes(Y)
  await withDataFolder(async folder => {
    const server = await target.start(folder)
    try {
      await typeTogether(target, server)
      await moveTogether(target, server)
    } finally {
      await server.kill()
    }
  })
}

function compareBytes(Y: typeof import('yjs')): void {
  const doc = new Y.Doc()
  doc.clientID = firstClient + 5
  const written: Uint8Array[] = []
  doc.on('update', update => written.push(update))
  for (let edit = 0; edit < edits; edit++) {
    const text = doc.getText(textName(5))
    text.insert(text.length, lettersOf(edit))
    assert.deepEqual(new Uint8Array(typingUpdate(5, edit)), written[edit], `typed edit ${edit}`)
  }
  const merged = Y.mergeUpdates(written)
  assert.deepEqual(seenIn(editsOf(merged, 0, charactersPerEdit)), [5, edits])
  assert.deepEqual(seenIn(editsOf(Y.encodeStateAsUpdate(doc), 0, charactersPerEdit)), [5, edits])
  const withGap = Y.mergeUpdates([written[1]!, written[9]!])
  assert.deepEqual(editsOf(withGap, 0, charactersPerEdit), [5, 1, 2, 5, 9, 10])

  const large = new Y.Doc()
  large.clientID = firstClient + 3
  large.on('update', update => written.push(update))
  for (let edit = 0; edit < 3; edit++) {
    const letter = String.fromCharCode(97 + edit)
    large.getMap(mapName).set(textName(3), letter.repeat(largeEditBytes))
    assert.deepEqual(largeUpdate(3, edit), written.at(-1), `large edit ${edit}`)
    assert.deepEqual(editsOf(written.at(-1)!, 0, 1), [3, edit, edit + 1])
  }
  assert.deepEqual(movesOf(cursorUpdate(4, 8), 0), [4, 0, 9])
}

/** Of one writer, how far the ranges reach; they may be in several pieces. */
function seenIn(ranges: readonly number[]): [number, number] {
  return [ranges[0]!, ranges.at(-1)!]
}

async function typeTogether(target: Target, server: RunningServer): Promise<void> {
  const crowd = new Crowd({
    port: server.port,
    framings: framingsOf(target.framing),
    activity: typing,
    rooms: 1,
    writersPerRoom: 3,
    readersPerRoom: 1,
    editsMax: edits,
    latencyEvery: 1,
  })
  let stock: StockClient | null = null
  try {
    await crowd.connect()
    stock = await connectStock(target, server.port, 'room-0', firstClient + stockWriter)
    crowd.measureFrom()
    const [first, second] = crowd.writers
    for (let edit = 0; edit < edits; edit++) {
      crowd.send(first!)
      crowd.send(second!)
      stock.type(textName(stockWriter), lettersOf(edit))
      await new Promise(resolve => setTimeout(resolve, 3))
    }
    const all = Array.from({ length: edits }, (_, edit) => lettersOf(edit)).join('')
    const { text } = stock
    await until('the stock client to have what the generator typed', () =>
      [0, 1].every(writer => text(textName(writer)) === all),
    )
    // Two writers are seen by three others each; so is the stock client, which writes as the third, who is not told of itself.
    const expected = 2 * edits * 3 + edits * 3
    await until(`${expected} deliveries, not ${crowd.delivered}`, () => crowd.delivered >= expected)
    assert.equal(crowd.delivered, expected, 'each edit is counted once')
    assert.equal(
      crowd.deliveredInTime,
      expected - edits * 3,
      "the stock client's edits have no time of sending",
    )
    assert.ok(crowd.latencies.percentile(0.5)! > 0)
  } finally {
    stock?.close()
    crowd.close()
  }
}

async function moveTogether(target: Target, server: RunningServer): Promise<void> {
  const crowd = new Crowd({
    port: server.port,
    framings: framingsOf(target.framing),
    activity: movingCursors,
    rooms: 1,
    roomPrefix: 'cursors-',
    writersPerRoom: 3,
    readersPerRoom: 0,
    editsMax: edits,
    latencyEvery: 1,
  })
  let stock: StockClient | null = null
  try {
    await crowd.connect()
    stock = await connectStock(target, server.port, 'cursors-0', firstClient + stockWriter)
    for (let move = 0; move < edits; move++) {
      crowd.send(crowd.writers[0]!)
      stock.move({ move })
      await new Promise(resolve => setTimeout(resolve, 3))
    }
    const { clockOf } = stock
    await until("the stock client to see the generator's cursor", () => clockOf(firstClient) === edits)
    await until('the generator to see all cursors', () =>
      crowd.people.every(
        ({ seen, writer }) =>
          (writer === 0 || seen[0] === edits) && (writer === stockWriter || seen[stockWriter]! >= edits),
      ),
    )
  } finally {
    stock?.close()
    crowd.close()
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + waitMsMax
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${waitMsMax} ms for ${what}`)
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}
