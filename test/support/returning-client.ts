/**
 * Somebody who was here before: connects with what they have, tells what the server lacks, as a stock client does, and counts what
 * they are sent. Needs no document of their own, so hundreds of them may share one.
 */
import { type Doc, encodeStateAsUpdate, encodeStateVector } from 'yjs'
import { connectRaw, frame, type RawClient } from './raw-client.ts'
import { waitUntil } from './wait-until.ts'

export interface Returned extends Disposable {
  readonly client: RawClient
  /** Document updates that they were sent, in order, up to and with SyncStep2. */
  readonly updates: readonly Uint8Array[]
  /** Bytes of the frames of these updates. */
  readonly bytes: number
  /** What they told the server. */
  readonly upload: Uint8Array
}

/** Resolves when they are synced and what they told is saved. */
export async function returnWith(wsUrl: string, document: string, doc: Doc): Promise<Returned> {
  const client = await connectRaw(wsUrl, document)
  client.send(frame.syncStep1(encodeStateVector(doc)))
  const { body: vector } = await client.waitForFrame('SyncStep1', ({ kind }) => kind === 'sync-step-1')
  const upload = encodeStateAsUpdate(doc, vector)
  client.send(frame.syncStep2(upload))
  client.send(frame.saved(Uint8Array.of(1)))
  await client.waitForFrame('all to be saved', ({ kind }) => kind === 'saved')
  const end = await waitUntil(
    'SyncStep2',
    () => client.frames.findIndex(({ kind }) => kind === 'sync-step-2') + 1,
  )
  const sent = client.frames.slice(0, end).filter(isUpdate)
  return {
    client,
    updates: sent.map(({ body }) => body),
    bytes: sent.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
    upload,
    [Symbol.dispose]: () => client.terminate(),
  }
}

export const isUpdate = ({ kind }: RawClient['frames'][number]) => kind === 'update' || kind === 'sync-step-2'
