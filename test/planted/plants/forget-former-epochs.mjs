/**
 * A room that knows nothing of what its document was before it was replaced.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('forget-former-epochs', 'server/src/room/read-stored.ts', [
  ['new Known(clientsOf(head.formerEpochs))', 'new Known()'],
])
