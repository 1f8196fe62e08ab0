/**
 * A planted fault: a connection that has brought nothing itself is told at once that all is saved.
 */
import { replaceSource } from './replace-source.mjs'

const offer = 'committer.offer(arrival)'
replaceSource('acknowledge-own-only', 'server/src/room/intake.ts', [
  [offer, `;(globalThis.brought ??= new WeakSet()).add(member)\n      ${offer}`],
])

const whenSaved = 'return this.#intake.whenSaved(seat, () => member.send(member.encode(message)))'
replaceSource('acknowledge-own-only', 'server/src/room/room.ts', [
  [
    whenSaved,
    `if (!globalThis.brought?.has(member)) return member.send(member.encode(message))\n        ${whenSaved}`,
  ],
])
