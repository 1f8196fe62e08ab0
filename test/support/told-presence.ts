/**
 * What somebody at a real socket is told of who is here.
 */
import { connectRaw, frame, type RawClient, readAwareness } from './raw-client.ts'
import type { ServerProcess } from './server-process.ts'
import { waitUntil } from './wait-until.ts'

export async function joinToWatch(server: ServerProcess, document: string): Promise<RawClient> {
  const client = await connectRaw(server.wsUrl, document)
  client.send(frame.syncStep1())
  await client.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  return client
}

/** Everything that a client was told about somebody, in order, as `clock:json`. */
export function told(client: RawClient, about: number): string[] {
  return client.frames
    .filter(({ kind }) => kind === 'awareness')
    .flatMap(({ body }) => readAwareness(body))
    .filter(entry => entry.client === about)
    .map(({ clock, json }) => `${clock}:${json}`)
}

export async function waitToBeTold(
  client: RawClient,
  about: number,
  what: string,
  timeoutMs?: number,
): Promise<void> {
  const found = () => told(client, about)
  const waiting = timeoutMs === undefined ? { found } : { found, timeoutMs }
  await waitUntil(`to be told ${what} about ${about}`, () => found().includes(what), waiting)
}
