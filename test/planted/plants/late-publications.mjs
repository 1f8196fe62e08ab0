/**
 * A bad line and no fault: what other instances publish is heard up to `LATE_PUBLICATIONS_MS` later, each publication by
 * itself, so that they come in another order too.
 */
import { replaceSource } from './replace-source.mjs'

const lateMs = Number(process.env.LATE_PUBLICATIONS_MS)
if (!(lateMs > 0)) throw new Error('plant late-publications: LATE_PUBLICATIONS_MS is not set')

replaceSource('late-publications', 'server/src/relay/redis-relay.ts', [
  [
    '=> this.#hear(channel, bytes)',
    `=> setTimeout(() => this.#hear(channel, bytes), Math.random() * ${lateMs})`,
  ],
])
