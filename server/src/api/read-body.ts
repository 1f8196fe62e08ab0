/**
 * The body of a request as text, read from Node's own stream: hono's limit counts a body that comes in chunks by making the request
 * anew, which Node refuses.
 */
import type { IncomingMessage } from 'node:http'

export type Body =
  | { readonly ok: true; readonly text: string }
  /** One sentence: what was expected and what came. */
  | { readonly ok: false; readonly reason: string }

/** Never rejects. */
export async function readBody(incoming: IncomingMessage, bytesMax: number): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).byteLength
      if (bytes > bytesMax) return { ok: false, reason: `the body is larger than ${bytesMax} bytes` }
    }
  } catch {
    return { ok: false, reason: 'the body ends before it is complete' }
  }
  return { ok: true, text: Buffer.concat(chunks).toString() }
}
