/**
 * A planted fault: appends are answered when their transaction has been written but not committed; the commit comes a little
 * later, as on a busy disk.
 */
import { replaceSource } from '../planted/plants/replace-source.mjs'

replaceSource('store-early-answer', 'server/src/store/disk-transaction.ts', [
  [
    "    database.exec('BEGIN IMMEDIATE')\n",
    "    if (!database.isTransaction) database.exec('BEGIN IMMEDIATE')\n",
  ],
  [
    "    database.exec('COMMIT')\n",
    "    setTimeout(() => database.isTransaction && database.exec('COMMIT'), 50)\n",
  ],
])
