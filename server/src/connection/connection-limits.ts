/**
 * The limits of connections, as the settings have them.
 */
import type { Settings } from '../foundation/settings-table.ts'
import type { ConnectionLimits } from './connection.ts'
import type { ConnectionCountLimits } from './connection-counts.ts'
import type { ConnectsLimits } from './connects.ts'
import type { HocuspocusLimits } from './hocuspocus-conversation.ts'
import type { InboundLimits } from './inbound.ts'
import type { WaitingRoomLimits } from './waiting-room.ts'

export interface AllConnectionLimits {
  readonly connectionsMax: number
  readonly documentNameBytesMax: number
  readonly counts: ConnectionCountLimits
  readonly connects: ConnectsLimits
  readonly waitingRoom: WaitingRoomLimits
  readonly connection: ConnectionLimits
  readonly inbound: InboundLimits
  readonly hocuspocus: HocuspocusLimits
  /** A room that cannot be opened within this is answered 1013. */
  readonly openingMsMax: number
}

export function connectionLimits(settings: Settings): AllConnectionLimits {
  return {
    connectionsMax: settings.limitConnections,
    documentNameBytesMax: settings.limitDocumentNameBytes,
    counts: {
      perAddressMax: settings.limitConnectionsPerAddress,
      perUserMax: settings.limitConnectionsPerUser,
      perUserAndDocumentMax: settings.limitConnectionsPerUserAndDocument,
    },
    connects: { perAddressAndSecondMax: settings.limitConnectsPerAddressAndSecond },
    waitingRoom: {
      connectionsMax: settings.limitWaitingConnections,
      perAddressMax: settings.limitWaitingConnectionsPerAddress,
    },
    connection: {
      messageBytesMax: settings.limitMessageBytes,
      waitingBytesMax: settings.limitWaitingBytes,
      firstFrameTimeoutMs: settings.firstFrameTimeoutMs,
      rate: {
        messagesPerSecondMax: settings.limitMessagesPerSecond,
        bytesPerSecondMax: settings.limitBytesPerSecond,
        burstMs: settings.burstMs,
        tooFastAfterMs: settings.tooFastAfterMs,
      },
    },
    inbound: {
      waitingMessagesMax: settings.limitOpeningFrames,
      waitingMessageBytesMax: settings.limitOpeningBytes,
    },
    hocuspocus: {
      documentsMax: settings.limitDocumentsPerConnection,
      documentNameBytesMax: settings.limitDocumentNameBytes,
    },
    openingMsMax: settings.storeAwayCloseAfterMs,
  }
}
