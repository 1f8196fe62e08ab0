/**
 * A socket for stock providers that hands every document update that arrives to somebody, whatever the provider makes of it:
 * also what it detaches itself from, and what reaches it in the last moment before a crash.
 */
import * as decoding from 'lib0/decoding'
import { WebSocket } from 'ws'

const type = { sync: 0 } as const
const sync = { step2: 1, update: 2 } as const

export interface Recording {
  onUpdate(update: Uint8Array): void
  /** Sockets that are open or half closed: more may arrive. */
  open: number
}

/** For `WebSocketPolyfill`. */
export function recordingSocket(
  recording: Recording,
): new (
  address: string | URL,
  protocols?: string | string[],
) => WebSocket {
  return class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { perMessageDeflate: false })
      recording.open++
      this.on('close', () => {
        recording.open--
      })
      this.on('message', (data, isBinary) => {
        const update = isBinary ? readUpdate(new Uint8Array(data as ArrayBuffer)) : null
        if (update !== null) recording.onUpdate(update)
      })
    }
  }
}

function readUpdate(bytes: Uint8Array): Uint8Array | null {
  const decoder = decoding.createDecoder(bytes)
  if (decoding.readVarUint(decoder) !== type.sync) return null
  const step = decoding.readVarUint(decoder)
  return step === sync.step2 || step === sync.update ? decoding.readVarUint8Array(decoder) : null
}
