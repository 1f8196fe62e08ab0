/**
 * A planted fault: a joiner is sent the tail, and with it the SyncStep2 that makes it say that it is synced, before the base.
 */
import { replaceSource } from './replace-source.mjs'

const base = "const outcome = base === null ? 'sent' : await sendBase(delivery, base, request.vector, source)"
const tail = 'await sendTail(delivery, first, request, source)'
replaceSource('room-tail-before-base', 'server/src/room/join.ts', [
  [base, `const tailSent = ${tail}\n    ${base}`],
  [`!(${tail})`, '!tailSent'],
])
