/**
 * A planted fault: a connection that has brought nothing itself is told at once that all is saved.
 */
import { replaceSource } from './replace-source.mjs'

const offer = 'this.#committer.offer(arrival)'
const whenSaved = 'return this.#whenSaved(member, () => member.send(member.encode(message)))'
replaceSource('acknowledge-own-only', 'server/src/room/room.ts', [
  [offer, `;(globalThis.brought ??= new WeakSet()).add(member)\n    ${offer}`],
  [
    whenSaved,
    `if (!globalThis.brought?.has(member)) return member.send(member.encode(message))\n        ${whenSaved}`,
  ],
])
