import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from './free-port.ts'
import { waitUntil } from './wait-until.ts'

/**
 * A real redis-server of a test's own, on a free port and in a temporary folder, and what can happen to one: killed, paused, started
 * again with its data or without. Also several that belong together: a Cluster, and a master with a replica under Sentinels.
 */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** A connection for the test's own commands. */
  readonly client: Redis
  /** What it wrote, for failure messages. */
  readonly output: string
  /** SIGKILL, and gone when this resolves. */
  kill(): Promise<void>
  /** Starts it again on the same port; `withData: false` as after a lost disk. */
  restart(options?: { readonly withData: boolean }): Promise<void>
  /** SIGSTOP: connections stay, nothing is answered. */
  pause(): void
  resume(): void
  /** Ends every subscriber's connection (`pubsub`) or everybody else's (`normal`). */
  killClients(type: 'pubsub' | 'normal'): Promise<void>
  /** Ends the process and removes the folder. */
  remove(): Promise<void>
}

export interface RedisServerOptions {
  /** Lines of redis.conf as arguments: `['--appendfsync', 'always']`. */
  readonly args?: readonly string[]
  readonly port?: number
}

export async function startRedisServer({ args = [], port }: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-redis-'))
  const ownPort = port ?? (await freePort())
  const client = new Redis({ port: ownPort, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 20 })
  client.on('error', () => {})
  let output = ''
  let child: ChildProcess

  async function start(): Promise<void> {
    const own = ['--port', String(ownPort), '--bind', '127.0.0.1', '--dir', folder, '--save', '']
    child = spawn('redis-server', [...own, '--appendonly', 'yes', ...args], { stdio: 'pipe' })
    child.stdout!.on('data', data => (output += data))
    child.stderr!.on('data', data => (output += data))
    child.on('error', error => (output += error.message))
    await waitUntil('redis-server to answer', async () => (await ping(ownPort)) === 'PONG', {
      found: () => output,
    })
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  await start()
  await client.connect()
  return {
    port: ownPort,
    url: `redis://127.0.0.1:${ownPort}`,
    client,
    get output() {
      return output
    },
    kill,
    async restart({ withData } = { withData: true }) {
      await kill()
      if (!withData) rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true })
      await start()
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    async killClients(type) {
      await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
    },
    async remove() {
      client.disconnect()
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface RedisCluster {
  readonly url: string
  readonly masters: readonly RedisServer[]
  remove(): Promise<void>
}

/** Three masters without replicas, with all slots served. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const masters = await Promise.all([0, 1, 2].map(() => startRedisServer({ args })))
  const [first, ...others] = masters as [RedisServer, RedisServer, RedisServer]
  const slots = 16_384
  for (const [i, { client }] of masters.entries()) {
    const from = Math.floor((slots * i) / masters.length)
    const to = Math.floor((slots * (i + 1)) / masters.length) - 1
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
  }
  for (const { port } of others) await first.client.call('CLUSTER', 'MEET', '127.0.0.1', port)
  for (const { client } of masters) {
    const isWhole = async () => {
      const info = String(await client.call('CLUSTER', 'INFO'))
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
    }
    await waitUntil('the cluster to be whole', isWhole)
  }
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masters,
    async remove() {
      await Promise.all(masters.map(master => master.remove()))
    },
  }
}

export interface RedisSentinels {
  readonly url: string
  /** As it began: after a failover the roles are exchanged. */
  readonly master: RedisServer
  readonly replica: RedisServer
  remove(): Promise<void>
}

/** A master, a replica that follows it, and two Sentinels of which one is enough for a failover. */
export async function startRedisSentinels(): Promise<RedisSentinels> {
  const master = await startRedisServer()
  const replica = await startReplica(master)
  const sentinels = await Promise.all([startSentinel(master.port), startSentinel(master.port)])
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/syncline`,
    master,
    replica,
    async remove() {
      for (const { child } of sentinels) child.kill('SIGKILL')
      for (const { folder } of sentinels) rmSync(folder, { recursive: true, force: true })
      await Promise.all([master.remove(), replica.remove()])
    },
  }
}

/** A replica that has everything that its master has. */
export async function startReplica(master: RedisServer): Promise<RedisServer> {
  const args = ['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0']
  const replica = await startRedisServer({ args })
  const follows = async () => (await replica.client.info('replication')).includes('master_link_status:up')
  await waitUntil('the replica to follow', follows, { found: () => replica.output })
  return replica
}

async function startSentinel(masterPort: number) {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-sentinel-'))
  const port = await freePort()
  const file = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor syncline 127.0.0.1 ${masterPort} 1`,
    'sentinel down-after-milliseconds syncline 1000',
    'sentinel failover-timeout syncline 3000',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = spawn('redis-sentinel', [file], { stdio: 'ignore' })
  await waitUntil('redis-sentinel to answer', async () => (await ping(port)) === 'PONG')
  return { child, folder, port }
}

async function ping(port: number): Promise<string> {
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    await client.connect()
    return await client.ping()
  } finally {
    client.disconnect()
  }
}
