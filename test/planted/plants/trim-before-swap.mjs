/**
 * A planted fault: the tail is removed in a transaction of its own before the base that holds it is put in place.
 */
import { replaceSource } from './replace-source.mjs'

const trim = `
    const early = place(request)
    if (!('ok' in early)) {
      recent.transact(() => recent.file(early.document.id))
      database
        .prepare('DELETE FROM entry WHERE document = ? AND seq <= ?')
        .run(early.document.id, request.base.through)
    }
`
replaceSource('trim-before-swap', 'server/src/store/disk-base.ts', [
  [
    '    const { replaced, former } = recent.transact(() => {\n      const placed = place(request)\n',
    `${trim}    const { replaced, former } = recent.transact(() => {\n      const placed = early\n`,
  ],
])
