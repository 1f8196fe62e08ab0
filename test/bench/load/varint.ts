/** The variable length integers of lib0: seven bits a byte, the low ones first. */

/** Bytes while they are put together. */
export type Bytes = number[]

export function appendVarUint(bytes: Bytes, value: number): void {
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest % 128) | 0x80)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

export function appendVarBytes(bytes: Bytes, body: ArrayLike<number>): void {
  appendVarUint(bytes, body.length)
  for (let i = 0; i < body.length; i++) bytes.push(body[i]!)
}

export function readVarUint(bytes: Uint8Array, start: number): number {
  let value = 0
  let factor = 1
  for (let at = start; ; at++, factor *= 128) {
    const byte = bytes[at]!
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value
  }
}

/** Where the integer that begins at `start` ends. */
export function varUintEnd(bytes: Uint8Array, start: number): number {
  let at = start
  while (bytes[at]! >= 0x80) at++
  return at + 1
}
