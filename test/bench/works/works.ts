/** All works, in the order in which they are measured. */
import { crowdedRoom } from './crowded-room.ts'
import { cursors } from './cursors.ts'
import { joins } from './joins.ts'
import { manyRooms } from './many-rooms.ts'
import { openDocuments } from './open-documents.ts'
import { stoppedReaderWork } from './stopped-reader.ts'
import { twoInstances } from './two-instances.ts'
import type { Work } from './work.ts'

export const works: readonly Work[] = [
  crowdedRoom,
  manyRooms,
  joins,
  openDocuments,
  cursors,
  stoppedReaderWork,
  twoInstances,
]
