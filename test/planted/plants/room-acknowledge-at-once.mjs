/**
 * A planted fault: an acknowledgement that has to wait for a window of somebody else does not.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('room-acknowledge-at-once', 'server/src/room/window-queue.ts', [
  ['if (this.#committed >= this.#arrived) call()', 'if (this.#committed <= this.#arrived) call()'],
])
