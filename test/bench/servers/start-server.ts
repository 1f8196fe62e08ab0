/**
 * Starts a measured server as a process of its own, on a port that it chooses and with a data folder of its own, and ends
 * exactly that process again.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const startMsMax = 20_000
const stopMsMax = 60_000
const saidCharactersMax = 20_000

export interface RunningServer {
  readonly port: number
  readonly pid: number
  readonly dataFolder: string
  /** SIGTERM, and its end awaited: what it keeps is kept. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Runs `file` with this very Node. Its data folder is an argument where the command wants it. */
export async function startServer(command: {
  nodeFlags?: readonly string[]
  file: string
  args(dataFolder: string): readonly string[]
  dataFolder: string
}): Promise<RunningServer> {
  const { nodeFlags = [], file, args, dataFolder } = command
  const child = spawn(process.execPath, [...nodeFlags, file, ...args(dataFolder)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
  })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-saidCharactersMax)
  })
  const ended = new Promise<void>(resolve =>
    child.once('close', () => {
      process.off('exit', killWithUs)
      resolve()
    }),
  )
  const port = await new Promise<number>((resolve, reject) => {
    const fail = (what: string) => {
      child.kill('SIGKILL')
      reject(new Error(`${what}: ${lastLine(stderr)}`))
    }
    const timer = setTimeout(() => fail(`does not listen after ${startMsMax} ms`), startMsMax)
    void ended.then(() => fail('ends before it listens'))
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-saidCharactersMax)
      const said = /"port":(\d+)/.exec(stdout)
      if (said === null) return
      clearTimeout(timer)
      resolve(Number(said[1]))
    })
  })
  const kill = () => {
    child.kill('SIGKILL')
    return ended
  }
  return {
    port,
    pid: child.pid!,
    dataFolder,
    kill,
    stop() {
      const timer = setTimeout(kill, stopMsMax)
      child.kill('SIGTERM')
      return ended.finally(() => clearTimeout(timer))
    },
  }
}

export async function withDataFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), 'syncline-bench-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Without what would set up a server behind the bench's back. */
function environment(): NodeJS.ProcessEnv {
  const clean: NodeJS.ProcessEnv = { NODE_NO_WARNINGS: '1' }
  for (const [name, value] of Object.entries(process.env)) {
    const sets =
      /^(SYNCLINE_|npm_)/.test(name) || ['HOST', 'PORT', 'LOG_LEVEL', 'NODE_OPTIONS'].includes(name)
    if (!sets) clean[name] = value
  }
  return clean
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '')
  return lines.find(line => /error/i.test(line)) ?? lines.at(-1) ?? 'it said nothing'
}
