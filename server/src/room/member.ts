import type { Access } from '@syncline/shared/api/access'
import type { CloseCode } from '@syncline/shared/wire/close-codes'
import type { Message } from '@syncline/shared/wire/message'

/** Whom the token names. */
export interface Identity {
  /** Null where the token names nobody. */
  readonly user: { readonly id: string; readonly name: string | null; readonly color: string | null } | null
}

/**
 * What a room wants of a connection. Rooms know connections only by this.
 */
export interface Member {
  /** Unique in this process: for logs, and the author of what this member brings while nobody is authenticated. */
  readonly id: string
  /** Who the entries name as the author. */
  readonly author: string
  /** What it may do with the document now; it can become less, or more, while the member is here. */
  readonly access: Access
  /** Who says whom it is; null where nobody does, and its presence is taken as it comes. */
  readonly identity: Identity | null
  /** Wants a `status` for each of its updates and SyncStep2s, and a SyncStep1 after each SyncStep2 (Hocuspocus). */
  readonly wantsStatus: boolean
  /** Its framing has stateless messages (Hocuspocus). */
  readonly takesStateless: boolean
  /** Members with the same framing share one encoded frame. */
  readonly framing: string
  /** Encodes a message into a frame of this member's framing, to be shared with others of the same framing. */
  encode(message: Message): Uint8Array
  /** Queues one frame. All frames queued in one turn of the event loop leave in one write. Never throws. */
  send(frame: Uint8Array): void
  /** Bytes that were queued and not yet taken by the operating system. */
  readonly waitingBytes: number
  /** Resolves when at most `bytes` wait, or with false once the connection is gone. */
  drained(bytes: number): Promise<boolean>
  /** Stops reading from the socket, or goes on: back pressure for authors. */
  setReading(reading: boolean): void
  close(code: CloseCode, detail?: string): void
}
