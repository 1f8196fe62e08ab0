/**
 * A planted fault: the room does not take over the deletes that Yjs made while the compactor loaded the document.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('room-forget-compacted-deletes', 'server/src/room/shrinking.ts', [
  ['known.takeDeletes(result.deletes)', ''],
])
