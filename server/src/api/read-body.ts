/**
 * The body of a request as text, read from Node's own stream: hono's limit counts a body that comes in chunks by making the request
 * anew, which Node refuses.
 */
import type { IncomingMessage } from 'node:http'
import { AppError } from '../foundation/errors.ts'

export type Body =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly refusal: AppError<'BODY_TOO_LARGE' | 'REQUEST_INVALID'> }

/** Never rejects. */
export async function readBody(incoming: IncomingMessage, bytesMax: number): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).byteLength
      if (bytes > bytesMax) return { ok: false, refusal: new AppError('BODY_TOO_LARGE', { bytesMax }) }
    }
  } catch {
    const reason = 'the body ends before it is complete'
    return { ok: false, refusal: new AppError('REQUEST_INVALID', { reason }) }
  }
  return { ok: true, text: Buffer.concat(chunks).toString() }
}
