/**
 * What a socket may bring as long as nobody on it has shown who they are: `ws` gathers a message as large as those of members before
 * anybody sees it, and strangers are not to have that much.
 */
import type { Socket } from 'node:net'

/** Room for the tokens and first questions of a provider with many documents. */
const strangersBytesMax = 1024 * 1024

/** Calls `tooMuch` once, unless the function that is returned ends it before. */
export function onProbation(socket: Socket, tooMuch: () => void): () => void {
  let bytes = 0
  const count = (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes <= strangersBytesMax) return
    end()
    tooMuch()
  }
  const end = () => void socket.off('data', count)
  socket.on('data', count)
  return end
}
