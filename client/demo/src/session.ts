/**
 * One document, open in this page: the Yjs document, its copy in this browser, its connection, and who is here.
 * Everything works without the connection: writing goes into the document, from there into the browser's IndexedDB, and
 * to the server whenever there is one.
 *
 * Leaves to others: saying how the connection is doing (`connection-state.ts`), and everything that is seen.
 */
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { AccessWatch } from './access.ts'
import { ConnectionWatch } from './connection-state.ts'
import { documentPath, pageFolder, socketAddress } from './document-address.ts'
import { type Identity, rememberedIdentity } from './identity.ts'
import { openLocalCopy } from './local-copy.ts'
import { Presence } from './presence.ts'
import { rememberToken, takeToken } from './token.ts'

/** The root types of a document that this editor writes: the text, and its title. */
export const bodyField = 'body'
const titleField = 'title'

export interface Session {
  readonly document: string
  readonly doc: Y.Doc
  readonly title: Y.Text
  readonly presence: Presence
  readonly connection: ConnectionWatch
  readonly access: AccessWatch
  /** Comes again, with a token that may be opened with. */
  readonly signIn: (token: string) => void
  /** Who sits here, as of the opening of the page. */
  readonly identity: Identity
  /** Settles when what this browser has kept is in the document, or cannot be read. */
  readonly localCopyRead: Promise<void>
}

/** Opens a document. It can be written in at once. */
export function openSession(document: string): Session {
  const doc = new Y.Doc()
  const identity = rememberedIdentity()
  const localCopy = openLocalCopy(document, doc, pageFolder(location))
  // Without `connect`, so that everybody who listens is there before the first event.
  const token = takeToken()
  const provider = new WebsocketProvider(socketAddress(location), documentPath(document), doc, {
    connect: false,
    ...(token === null ? {} : { params: { token } }),
  })
  const access = new AccessWatch(document, token)
  provider.on('sync', synced => synced && void access.ask())
  provider.on('closed', () => void access.ask())
  const presence = new Presence(provider.awareness, bodyField)
  presence.announce(identity)
  const connection = new ConnectionWatch(provider, localCopy)
  provider.connect()
  const signIn = (newer: string) => {
    rememberToken(newer)
    access.setToken(newer)
    provider.params = { token: newer }
    connection.tryAgain()
  }
  return {
    document,
    doc,
    title: doc.getText(titleField),
    presence,
    connection,
    access,
    signIn,
    identity,
    localCopyRead: localCopy.read,
  }
}
