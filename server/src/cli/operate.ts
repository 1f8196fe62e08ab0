/**
 * Who does an operator's work: the server that holds the data folder, asked over its socket, or, where no server does, this
 * process, which then opens the folder itself. A store in Redis is open to everybody, so this process opens it too.
 */
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Operations } from '../api/operations.ts'
import { type SocketPath, socketPathIn } from '../api/operator-socket.ts'
import { createRemoteOperations } from '../api/remote-operations.ts'
import { openOperations } from '../engine.ts'
import { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'
import { storeFileName } from '../store/disk-log.ts'
import { StoreOpenError } from '../store/store-open-error.ts'

export interface OpenedOperations {
  readonly operations: Operations
  close(): Promise<void>
}

/** A server takes its folder before it listens; another command may have the folder for a moment. */
const triesMax = 50
const tryPauseMs = 100

/** Rejects with an `AppError` or a `StoreOpenError` where there is no way to do it. */
export async function openStore(settings: Settings): Promise<OpenedOperations> {
  if (settings.redisUrl !== '') return openOperations(settings)
  const { data: folder } = settings
  let held: StoreOpenError | null = null
  for (let tries = 1; tries <= triesMax; tries++) {
    const asked = await askServer(folder)
    if (asked !== null) return asked
    if (!existsSync(join(folder, storeFileName))) throw new AppError('STORE_MISSING', { folder })
    try {
      return await openOperations(settings)
    } catch (error) {
      if (!(error instanceof StoreOpenError) || error.code !== 'DATA_FOLDER_IN_USE') throw error
      held = error
    }
    await setTimeout(tryPauseMs)
  }
  const reason = 'nobody listens on the socket there; the server may run on another host or in a container'
  throw new AppError('OPERATOR_SOCKET_UNUSABLE', { folder, reason }, { cause: held })
}

/** The server that listens in a folder; null if none does. */
async function askServer(folder: string): Promise<OpenedOperations | null> {
  if (!existsSync(folder)) return null
  const socket = socketPathIn(folder)
  const refusal = await connectRefusal(socket)
  if (refusal === null) {
    return { operations: createRemoteOperations(socket.path), close: async () => socket.release() }
  }
  socket.release()
  // Nothing there, or what a killed server has left.
  if (refusal.code === 'ENOENT' || refusal.code === 'ECONNREFUSED') return null
  const reason = refusal.code === 'EACCES' ? 'this user may not open its socket' : refusal.message
  throw new AppError('OPERATOR_SOCKET_UNUSABLE', { folder, reason }, { cause: refusal })
}

function connectRefusal({ path }: SocketPath): Promise<NodeJS.ErrnoException | null> {
  return new Promise(resolve => {
    const connection = connect(path, () => {
      connection.destroy()
      resolve(null)
    }).on('error', resolve)
  })
}
