/** The servers that are measured: how each is started, how one speaks to it, and what may be asked of it. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { FramingName } from '../load/framing.ts'
import { type RunningServer, startServer } from './start-server.ts'

export type TargetName =
  | 'syncline'
  | 'syncline-hocuspocus'
  | 'syncline-mixed'
  | 'ws-relay'
  | 'hocuspocus'
  | 'y-websocket'

export interface Target {
  readonly name: TargetName
  readonly title: string
  readonly framing: FramingName
  /** Has documents: it answers a join, and has them again after a restart. */
  readonly keeps: boolean
  readonly version: string
  /** The letters of the works that it takes part in; all where left out. */
  readonly only?: readonly string[]
  start(dataFolder: string, nodeFlags?: readonly string[]): Promise<RunningServer>
  /** One of several instances that share a Redis, if it can be that. */
  startOnRedis?(redisPort: number, nodeFlags?: readonly string[]): Promise<RunningServer>
}

const here = import.meta.dirname
const bench = path.resolve(here, '..')
const repository = path.resolve(here, '../../..')
const synclineMain = path.join(repository, 'server/dist/cli/main.js')

function ofBench(file: string): Target['start'] {
  return (dataFolder, nodeFlags = []) =>
    startServer({ nodeFlags, file: path.join(here, file), args: folder => [folder], dataFolder })
}

function versionOf(name: string): string {
  for (const folder of [bench, repository]) {
    try {
      const file = path.join(folder, 'node_modules', name, 'package.json')
      return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
    } catch {
      // Not there: perhaps in the other folder.
    }
  }
  return 'not installed'
}

const startSyncline: Target['start'] = (dataFolder, nodeFlags = []) =>
  startServer({
    nodeFlags,
    file: synclineMain,
    args: folder => ['serve', '--port', '0', '--data', folder],
    dataFolder,
  })

export const targets: readonly Target[] = [
  {
    name: 'syncline',
    title: 'Syncline',
    framing: 'y-websocket',
    keeps: true,
    get version() {
      return `${versionOf('@syncline/server')}, disk store (node:sqlite), default settings`
    },
    start: startSyncline,
    startOnRedis: (redisPort, nodeFlags = []) =>
      startServer({
        nodeFlags,
        file: synclineMain,
        args: () => ['serve', '--port', '0', '--redis-url', `redis://127.0.0.1:${redisPort}`],
        dataFolder: '',
      }),
  },
  {
    name: 'syncline-hocuspocus',
    title: 'Syncline, Hocuspocus framing',
    framing: 'hocuspocus',
    keeps: true,
    version: 'the same server',
    only: ['a', 'c'],
    start: startSyncline,
  },
  {
    name: 'syncline-mixed',
    title: 'Syncline, both framings in one room',
    framing: 'mixed',
    keeps: true,
    version: 'the same server',
    only: ['a'],
    start: startSyncline,
  },
  {
    name: 'ws-relay',
    title: 'bare ws relay',
    framing: 'relay',
    keeps: false,
    get version() {
      return `ws ${versionOf('ws')}; keeps nothing`
    },
    start: ofBench('relay.ts'),
  },
  {
    name: 'hocuspocus',
    title: 'Hocuspocus',
    framing: 'hocuspocus',
    keeps: true,
    get version() {
      return `@hocuspocus/server ${versionOf('@hocuspocus/server')}, extension-sqlite ${versionOf('@hocuspocus/extension-sqlite')} (better-sqlite3 ${versionOf('better-sqlite3')}), on two instances extension-redis ${versionOf('@hocuspocus/extension-redis')} alone`
    },
    start: ofBench('hocuspocus.ts'),
    startOnRedis: (redisPort, nodeFlags) => ofBench('hocuspocus-redis.ts')(String(redisPort), nodeFlags),
  },
  {
    name: 'y-websocket',
    title: 'y-websocket',
    framing: 'y-websocket',
    keeps: true,
    get version() {
      return `@y/websocket-server ${versionOf('@y/websocket-server')}, y-leveldb ${versionOf('y-leveldb')}`
    },
    start: ofBench('y-websocket.ts'),
  },
]

/** Pushes the frames in `framesFile` to whoever says anything: the floor of a join. */
export function startPusher(framesFile: string): Promise<RunningServer> {
  return startServer({ file: path.join(here, 'pusher.ts'), args: () => [framesFile], dataFolder: '' })
}
