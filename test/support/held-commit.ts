/**
 * What clients are told while a commit is held at the store, before its flush: nothing, if the server keeps its promises.
 * Functions and not tests, so that servers with planted faults can be shown to fail them.
 */
import { Doc, encodeStateAsUpdate, encodeStateVector } from 'yjs'
import { held, isNothing } from './evidence.ts'
import { Failpoints } from './failpoints.ts'
import { joinFresh } from './fresh-client.ts'
import { connectRaw, frame, type RawClient } from './raw-client.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { waitUntil } from './wait-until.ts'

const document = 'held'
const closeAfterMs = 1_000
const textOf = (doc: Doc) => doc.getText('text')
const token = (name: string) => new TextEncoder().encode(name)

export interface HeldCommit {
  /** Plants beside the failpoints. */
  readonly imports?: readonly string[]
  readonly onServer?: (server: ServerProcess) => void
}

export interface NeverFlushed {
  /** The author was told that the edit is saved. */
  readonly acknowledged: boolean
  /** The author, somebody else, or somebody who came meanwhile was sent the edit. */
  readonly shown: boolean
  /** With which codes author and reader were sent away in the end. */
  readonly closeCodes: readonly number[]
  /** Whether the server answers others meanwhile: presence of the author reached the reader. */
  readonly alive: boolean
}

/** An edit whose flush never returns. */
export async function editWithoutFlush({ imports = [], onServer }: HeldCommit = {}): Promise<NeverFlushed> {
  using failpoints = new Failpoints()
  await using server = await startServer({
    imports: [...failpoints.options.imports, ...imports],
    env: { ...failpoints.options.env, SYNCLINE_STORE_AWAY_CLOSE_AFTER_MS: String(closeAfterMs) },
  })
  onServer?.(server)
  using author = await join(server)
  using reader = await join(server)
  const doc = new Doc()
  author.send(frame.update(insert(doc, 'flushed, ')))
  author.send(frame.saved(token('first')))
  await author.waitForFrame('the first edit to be saved', ({ kind }) => kind === 'saved')
  await reader.waitForFrame('the first edit to be shown', showsEdits(doc))

  failpoints.arm('before-append-commit', 'hold')
  author.send(frame.update(insert(doc, 'never flushed')))
  author.send(frame.saved(token('second')))
  author.send(frame.presence(doc.clientID, 1, { name: 'author' }))
  await failpoints.waitUntilFired(server, 'before-append-commit')
  using newcomer = await connectRaw(server.wsUrl, document)
  newcomer.send(frame.syncStep1())
  const closes = await Promise.all([author.waitForClose(), reader.waitForClose()])
  await server.kill()
  return {
    acknowledged: author.frames.filter(({ kind }) => kind === 'saved').length > 1,
    shown: [author, reader, newcomer].some(client => client.frames.some(showsEdits(doc))),
    closeCodes: closes.map(({ code }) => code),
    alive: reader.frames.some(({ kind }) => kind === 'awareness'),
  }
}

export interface InFlight {
  /** The returning client's answer to the server's SyncStep1 held nothing: the server claimed to have the edit. */
  readonly nothingNewToSay: boolean
  readonly toldBeforeFlush: boolean
  readonly shownBeforeFlush: boolean
  /** Of the edit after it was told, the server killed and started again. */
  readonly savedText: string
}

/** A client that loses its connection while its edit is in flight, returns with nothing new to say, and asks. */
export async function returnWhileInFlight({ imports = [], onServer }: HeldCommit = {}): Promise<InFlight> {
  using failpoints = new Failpoints()
  const options = { env: failpoints.options.env, imports: [...failpoints.options.imports, ...imports] }
  await using server = await startServer(options)
  onServer?.(server)
  const doc = new Doc()
  using before = await join(server)
  failpoints.arm('before-append-commit', 'hold')
  before.send(frame.update(insert(doc, 'in flight')))
  await failpoints.waitUntilFired(server, 'before-append-commit')
  before.terminate()

  using author = await connectRaw(server.wsUrl, document)
  author.send(frame.syncStep1(encodeStateVector(doc)))
  const { body: vector } = await author.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')
  const upload = encodeStateAsUpdate(doc, vector)
  author.send(frame.syncStep2(upload))
  author.send(frame.saved(token('all of it')))
  // Answered in order, so whatever was told at once is there when these are; presence comes a good while later.
  author.send(frame.syncStep1())
  author.send(frame.presence(doc.clientID, 1, { name: 'author' }))
  await waitUntil('the second answer', () => author.frames.filter(isAnswer).length === 2)
  await author.waitForFrame('the presence', ({ kind }) => kind === 'awareness')
  const toldBeforeFlush = author.frames.some(({ kind }) => kind === 'saved')
  const shownBeforeFlush = author.frames.some(showsEdits(doc))

  failpoints.disarm()
  await author.waitForFrame('all to be saved', ({ kind }) => kind === 'saved')
  await server.kill()
  await using again = await startServer({ dataFolder: server.dataFolder })
  const fresh = await joinFresh(again.wsUrl, document)
  const savedText = textOf(fresh.doc).toString()
  return { nothingNewToSay: isNothing(held(upload)), toldBeforeFlush, shownBeforeFlush, savedText }
}

async function join(server: ServerProcess): Promise<RawClient> {
  const client = await connectRaw(server.wsUrl, document)
  client.send(frame.syncStep1())
  await client.waitForFrame('the document', isAnswer)
  return client
}

function insert(doc: Doc, text: string): Uint8Array {
  const vector = encodeStateVector(doc)
  textOf(doc).insert(textOf(doc).length, text)
  return encodeStateAsUpdate(doc, vector)
}

type Frame = RawClient['frames'][number]

const isAnswer = ({ kind }: Frame) => kind === 'sync-step-2'

/** Whether a frame carries the last clock of this document's author. */
function showsEdits(doc: Doc): (frame: Frame) => boolean {
  return ({ kind, body }) => {
    if (kind !== 'update' && kind !== 'sync-step-2') return false
    const end = held(body).structs.get(doc.clientID)?.at(-1) ?? 0
    return end === textOf(doc).length
  }
}
