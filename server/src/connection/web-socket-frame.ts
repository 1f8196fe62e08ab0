/**
 * One server-to-client WebSocket frame around a message (RFC 6455, 5.2): FIN and binary, no mask, so that the same bytes
 * go to every member. `ws` would build the header again for each socket.
 */
const finBinary = 0x82
const length16 = 126
const length64 = 127

export function webSocketFrame(payload: Uint8Array): Uint8Array {
  const length = payload.byteLength
  const headerBytes = length < length16 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerBytes + length)
  frame[0] = finBinary
  if (headerBytes === 2) {
    frame[1] = length
  } else if (headerBytes === 4) {
    frame[1] = length16
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = length64
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.set(payload, headerBytes)
  return frame
}
