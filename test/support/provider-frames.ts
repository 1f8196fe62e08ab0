/**
 * Frames of the Hocuspocus framing, built by hand, as a provider begins with them.
 */
import * as encoding from 'lib0/encoding'

export const providerFrame = {
  /** Type 2, token 0. */
  token: (document: string, token: string) => build(document, [2, 0], token),
  stateless: (document: string, payload: string) => build(document, [5], payload),
}

function build(key: string, head: readonly number[], text: string): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, key)
  for (const part of head) encoding.writeVarUint(encoder, part)
  encoding.writeVarString(encoder, text)
  return encoding.toUint8Array(encoder)
}
