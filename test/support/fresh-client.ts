/**
 * Somebody who has nothing and asks for everything: what a server has of a document, as a newcomer gets it.
 */
import { applyUpdate, Doc, encodeStateAsUpdate } from 'yjs'
import { connectRaw, frame } from './raw-client.ts'
import { waitMsDefault, waitUntil } from './wait-until.ts'

export interface FreshClient {
  readonly doc: Doc
  /** The document as one update, what lies behind gaps included. */
  readonly state: Uint8Array
}

/** Joins, waits for SyncStep2, and leaves without having said anything. Throws when the document is not served. */
export async function joinFresh(
  wsUrl: string,
  document: string,
  timeoutMs = waitMsDefault,
): Promise<FreshClient> {
  using client = await connectRaw(wsUrl, document)
  client.send(frame.syncStep1())
  const answered = await waitUntil(
    `all of ${document} to arrive`,
    () => client.frames.find(({ kind }) => kind === 'sync-step-2') ?? client.closed,
    { timeoutMs },
  )
  if ('code' in answered)
    throw new Error(`${document} is not served: closed with ${answered.code} ${answered.reason}`)
  const doc = new Doc()
  for (const { kind, body } of client.frames) {
    if (kind === 'update' || kind === 'sync-step-2') applyUpdate(doc, body)
  }
  return { doc, state: encodeStateAsUpdate(doc) }
}
