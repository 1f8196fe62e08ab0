/**
 * A redis-server of the bench's own for instances that share one: empty, on a free port, with an append-only file that is
 * flushed every second, as most people run it.
 */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'

const startMsMax = 10_000

export interface RunningRedis {
  readonly port: number
  readonly pid: number
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Rejects where this machine has no redis-server. */
export async function startRedis(folder: string): Promise<RunningRedis> {
  const port = await freePort()
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  const kept = ['--appendonly', 'yes', '--appendfsync', 'everysec']
  const child = spawn('redis-server', [...own, ...kept], { stdio: ['ignore', 'pipe', 'ignore'] })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const ended = new Promise<void>(resolve =>
    child.once('close', () => {
      process.off('exit', killWithUs)
      resolve()
    }),
  )
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      killWithUs()
      reject(new Error(`redis-server is not ready after ${startMsMax} ms`))
    }, startMsMax)
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said = said.slice(-100) + text
      if (!said.includes('Ready to accept connections')) return
      clearTimeout(timer)
      resolve()
    })
    child.once('error', error => reject(new Error(`there is no redis-server here: ${error.message}`)))
    void ended.then(() => {
      clearTimeout(timer)
      reject(new Error('redis-server ended before it was ready'))
    })
  })
  return {
    port,
    pid: child.pid!,
    kill() {
      killWithUs()
      return ended
    },
  }
}

/** Free now; nobody else here takes it in the moment before it is used. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
