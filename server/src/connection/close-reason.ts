/**
 * A close code with its sentence, or with the detail of this case, cut to what fits into a close frame.
 */
import type { CloseCode } from '@syncline/shared/wire/close-codes'

/** RFC 6455, 5.5: a control frame carries at most 125 bytes, two of them are the code. */
const closeReasonBytesMax = 123

export function closeWith({ code, reason }: CloseCode, detail?: string): { code: number; reason: string } {
  const sentence = detail === undefined ? reason : `${reason.split(':')[0]}: ${detail}`
  const bytes = Buffer.from(sentence)
  if (bytes.byteLength <= closeReasonBytesMax) return { code, reason: sentence }
  // `stream` leaves out a character that the cut has torn.
  return { code, reason: new TextDecoder().decode(bytes.subarray(0, closeReasonBytesMax), { stream: true }) }
}
