/**
 * A replacement that keeps the client ids of its file, also where a former epoch knows them.
 */
import { replaceSource } from './replace-source.mjs'

replaceSource('keep-client-ids', 'server/src/content/prepare-replacement.ts', [
  ['if (![...clients].some(client => formerClients.has(client)))', 'if (clients !== null)'],
])
