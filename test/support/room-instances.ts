/**
 * Several instances that share a log, in one process, and people who write at them, each with a document of their own.
 */
import { createMemoryLog } from '@syncline/server/internal/store/memory-log'
import type { UpdateLog } from '@syncline/server/internal/store/update-log'
import * as Y from 'yjs'
import { readAll } from '../contract/log-content.ts'
import { TestClock } from './room-clock.ts'
import { type SharedLog, shareLog } from './room-relay.ts'
import { documentName, openStage, type RoomStage, type StageOptions, say } from './room-stage.ts'

export interface Instances {
  readonly clock: TestClock
  readonly memory: UpdateLog
  readonly shared: SharedLog
  open(options?: StageOptions): Promise<RoomStage>
}

export function shareInstances(): Instances {
  const clock = new TestClock()
  const memory = createMemoryLog({ clock })
  const shared = shareLog(clock, memory)
  let instances = 0
  return {
    clock,
    memory,
    shared,
    open: options =>
      openStage({ clock, instance: `instance ${++instances}`, ...shared.instance(), ...options }),
  }
}

/** A person at a room. They hear what they were sent when `hear` is called, and answer what they were asked. */
export async function sit(stage: RoomStage, client: number) {
  const doc = new Y.Doc()
  doc.clientID = client
  const member = await stage.join(`person ${client}`)
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === null) stage.room.receive(member, say.update(update))
  })
  const hear = () => {
    for (const message of member.news()) {
      if ('update' in message) Y.applyUpdate(doc, message.update, 'room')
      if (message.kind === 'sync-step-1')
        stage.room.receive(member, {
          kind: 'sync-step-2',
          update: Y.encodeStateAsUpdate(doc, message.vector),
        })
    }
    return doc.getText('text').toString()
  }
  hear()
  return {
    doc,
    member,
    hear,
    write: (text: string) => doc.getText('text').insert(doc.getText('text').length, text),
  }
}

/** What the log holds, as a text. */
export async function textOf(log: UpdateLog): Promise<string> {
  const doc = new Y.Doc()
  const { base } = await log.load(documentName)
  for (let piece = 0; piece < (base?.pieces ?? 0); piece++)
    Y.applyUpdate(doc, (await log.readPiece(documentName, base!.generation, piece)) as Uint8Array)
  for (const { update } of await readAll(log, documentName)) Y.applyUpdate(doc, update)
  return doc.getText('text').toString()
}
