import type { DatabaseSync } from 'node:sqlite'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { backupStore } from './disk-backup.ts'
import { createBases } from './disk-base.ts'
import { createChores } from './disk-chores.ts'
import { createContents } from './disk-content.ts'
import { createDocuments } from './disk-document.ts'
import { createFormerEpochs } from './disk-former-epoch.ts'
import { createReader, type Reader } from './disk-read.ts'
import { createRecent } from './disk-recent.ts'
import { createReplacements } from './disk-replacement.ts'
import type { Answer, FromThread, Request, RequestOf, ThreadData, ToThread } from './disk-requests.ts'
import { createRoom } from './disk-room.ts'
import { openStoreFile } from './disk-schema.ts'
import { createWriter, failure } from './disk-writer.ts'
import { StoreOpenError } from './store-open-error.ts'

/**
 * The store thread: the only one that touches the store file, so that no flush ever holds up the main thread.
 *
 * It works in turns: look at everything that has arrived, write (`disk-writer.ts`), answer some reads. It has no timers and
 * keeps nothing that a thread in its place would need: the main side asks that one again.
 */
type ReadRequest = RequestOf<'load'> | RequestOf<'read'> | RequestOf<'piece'> | RequestOf<'list'>

const readsPerTurnMax = 16
/** Bytes of this size are handed over instead of copied. */
const handOverBytesMin = 64 * 1024

function runStore(database: DatabaseSync, file: string, port: MessagePort): void {
  const contents = createContents(database)
  const recent = createRecent(database)
  const documents = createDocuments(database, recent)
  const bases = createBases(database, { documents, contents, recent })
  const chores = createChores(database, bases, contents)
  const formerEpochs = createFormerEpochs(database, contents)
  const replacements = createReplacements(database, { documents, bases, formerEpochs })
  const reader = createReader(database, { documents, bases, contents, formerEpochs, recent })
  const tell = (message: FromThread): void => port.postMessage(message)
  const answer = (answers: Answer[]): void => tell({ kind: 'answers', answers })
  const room = createRoom(database, file)
  const writer = createWriter(database, {
    documents,
    contents,
    recent,
    bases,
    replacements,
    chores,
    room,
    answer,
    tell,
  })

  let reads: ReadRequest[] = []
  const backups: RequestOf<'backup'>[] = []
  let backingUp = false
  /** Nothing is written while a backup makes its first step. */
  let writesHeld = false
  let closing: RequestOf<'close'> | null = null
  let turnScheduled = false

  function take(message: ToThread): void {
    if (message.kind === 'try-again') writer.tryAgain()
    else for (const request of message.requests) takeRequest(request)
  }

  function takeRequest(request: Request): void {
    if (writer.take(request)) return
    if (request.kind === 'backup') backups.push(request)
    else if (request.kind === 'close') closing = request
    else reads.push(request as ReadRequest)
  }

  function answerReads(): void {
    if (reads.length === 0) return
    const answers = reads.slice(0, readsPerTurnMax).map(request => read(reader, request))
    reads = reads.slice(readsPerTurnMax)
    port.postMessage({ kind: 'answers', answers } satisfies FromThread, findLargeBuffers(answers))
  }

  /** One backup at a time: each holds the connection for its steps. */
  async function backUp(): Promise<void> {
    const request = backups.shift()
    if (request === undefined) return
    backingUp = true
    writesHeld = true
    try {
      const { id, file } = request
      await backupStore(database, file, {
        onStarted: () => {
          writesHeld = false
          scheduleTurn()
        },
        onProgress: progress => tell({ kind: 'progress', id, progress }),
      })
      answer([{ id: request.id, ok: true, value: null }])
    } catch (error) {
      answer([failure(request.id, error)])
    }
    backingUp = false
    writesHeld = false
    scheduleTurn()
  }

  function scheduleTurn(): void {
    if (turnScheduled) return
    turnScheduled = true
    setImmediate(turn)
  }

  function turn(): void {
    turnScheduled = false
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      take(next.message)
    const moreToWrite = !writesHeld && writer.turn()
    answerReads()
    if (!backingUp) void backUp()
    if (closing !== null && writer.isIdle() && reads.length === 0 && !backingUp) close(closing)
    else if (moreToWrite || reads.length > 0) scheduleTurn()
  }

  function close({ id }: RequestOf<'close'>): void {
    database.close()
    answer([{ id, ok: true, value: null }])
    port.close()
  }

  port.on('message', (message: ToThread) => {
    take(message)
    // At once, and not with the next turn: an append that comes alone waits for nothing but the disk.
    if (!turnScheduled) turn()
  })
  // What a crash left behind is removed without waiting for the first request.
  scheduleTurn()
}

function read(reader: Reader, request: ReadRequest): Answer {
  const { id } = request
  try {
    return { id, ok: true, value: readValue(reader, request) }
  } catch (error) {
    return failure(id, error)
  }
}

function readValue(reader: Reader, request: ReadRequest): unknown {
  switch (request.kind) {
    case 'load':
      return reader.load(request)
    case 'read':
      return reader.readEntries(request)
    case 'piece':
      return reader.readPiece(request)
    case 'list':
      return reader.list(request)
  }
}

/** The buffers in an answer that are worth handing over; what is handed over is gone here, and must not be a part of another. */
function findLargeBuffers(value: unknown, found: ArrayBuffer[] = []): ArrayBuffer[] {
  if (value instanceof Uint8Array) {
    if (value.length >= handOverBytesMin && value.length === value.buffer.byteLength)
      found.push(value.buffer as ArrayBuffer)
  } else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) findLargeBuffers(inner, found)
  return found
}

function start(port: MessagePort, { file }: ThreadData): void {
  const tell = (message: FromThread): void => port.postMessage(message)
  try {
    const database = openStoreFile(file)
    tell({ kind: 'opened' })
    runStore(database, file, port)
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error
    tell({ kind: 'not-opened', code: error.code, message: error.message })
    port.close()
  }
}

start(parentPort!, workerData as ThreadData)
