/** The client that people use with each measured server, unchanged, with a client id that the generator recognises. */
import type { Target } from '../servers/targets.ts'

export interface StockClient {
  type(textName: string, letters: string): void
  text: (textName: string) => string
  move(state: object): void
  /** The awareness clock of somebody, or null. */
  clockOf: (client: number) => number | null
  close(): void
}

const syncMsMax = 10_000

export async function connectStock(
  { framing }: Target,
  port: number,
  room: string,
  clientId: number,
): Promise<StockClient> {
  const Y = await import('yjs')
  const { WebSocket } = await import('ws')
  const doc = new Y.Doc()
  doc.clientID = clientId
  const { awareness, synced, close } =
    framing === 'hocuspocus'
      ? await connectHocuspocus(doc, port, room, WebSocket)
      : await connectYWebsocket(doc, port, room, WebSocket)
  // A relay answers nothing: there a stock client is connected and never synced.
  if (framing !== 'relay') await Promise.race([synced, timeUp()])
  else await new Promise(resolve => setTimeout(resolve, 200))
  return {
    type: (name, letters) => doc.getText(name).insert(doc.getText(name).length, letters),
    text: name => doc.getText(name).toString(),
    move: state => awareness.setLocalState(state as Record<string, unknown>),
    clockOf: client => awareness.meta.get(client)?.clock ?? null,
    close,
  }
}

async function connectYWebsocket(
  doc: import('yjs').Doc,
  port: number,
  room: string,
  socket: typeof import('ws').WebSocket,
) {
  const { WebsocketProvider } = await import('y-websocket')
  const provider = new WebsocketProvider(`ws://127.0.0.1:${port}`, room, doc, {
    WebSocketPolyfill: socket as unknown as typeof WebSocket,
    disableBc: true,
  })
  const synced = new Promise<void>(resolve =>
    provider.on('sync', isSynced => {
      if (isSynced) resolve()
    }),
  )
  return { awareness: provider.awareness, synced, close: () => provider.destroy() }
}

async function connectHocuspocus(
  doc: import('yjs').Doc,
  port: number,
  room: string,
  socket: typeof import('ws').WebSocket,
) {
  const { HocuspocusProvider, HocuspocusProviderWebsocket } = await import('@hocuspocus/provider')
  const webSocket = new HocuspocusProviderWebsocket({
    url: `ws://127.0.0.1:${port}`,
    WebSocketPolyfill: socket,
  })
  const provider = new HocuspocusProvider({ websocketProvider: webSocket, name: room, document: doc })
  provider.attach()
  const synced = new Promise<void>(resolve => provider.on('synced', () => resolve()))
  const close = () => {
    provider.destroy()
    webSocket.destroy()
  }
  return { awareness: provider.awareness!, synced, close }
}

function timeUp(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(
      () => reject(new Error(`a stock client is not synced after ${syncMsMax} ms`)),
      syncMsMax,
    ).unref()
  })
}
