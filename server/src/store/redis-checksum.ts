import { crc32 } from 'node:zlib'

/**
 * The checksums that stand beside what is stored in Redis, for the same reason as on the disk (`disk-checksum.ts`): its
 * append-only file has none. Each covers the place too, so that bytes which are found where they do not belong are found out.
 */
const checksumBytes = 4

/** Of an entry's body, under the link that the entry has. `channel` tells whose it is. */
export function entryChecksum(channel: string, link: Uint8Array, body: Uint8Array): Buffer {
  return bytesOf(crc32(body, crc32(link, crc32(channel))))
}

/** The bytes with their checksum in front; `place` is a name that nothing else in Redis has. */
export function seal(place: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([bytesOf(crc32(bytes, crc32(place))), bytes])
}

/** What was sealed, as bytes of its own, or null if it is not what was written there. */
export function unseal(place: string, sealed: Buffer): Uint8Array | null {
  const bytes = new Uint8Array(sealed.subarray(checksumBytes))
  return bytesOf(crc32(bytes, crc32(place))).equals(sealed.subarray(0, checksumBytes)) ? bytes : null
}

function bytesOf(checksum: number): Buffer {
  const bytes = Buffer.alloc(checksumBytes)
  bytes.writeUInt32BE(checksum)
  return bytes
}
