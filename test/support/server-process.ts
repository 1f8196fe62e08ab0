/**
 * Runs the real server as a child process, the way an operator does, and looks at it from outside: its port, its log lines,
 * its exit code. Nothing of the server is imported here.
 *
 * Every wait has an end, and a child never outlives the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { waitUntil, within } from './wait-until.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const startMsMax = 60_000
const stopMsMax = 30_000
const logLinesMax = 50_000
const stderrCharactersMax = 200_000

export interface ServerOptions {
  /** Flags after `serve`. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Made and removed by the process if not given. */
  readonly dataFolder?: string
  /** A port that is free again, for a restart under clients that come back. Otherwise any. */
  readonly port?: number
  /** Modules for `--import`: load hooks that plant a fault in the child. */
  readonly imports?: readonly string[]
  /** Starts what `npm run build` made instead of the sources. */
  readonly fromDist?: boolean
}

/** One line of the server's log, as pino writes it. */
export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A server that ended before it listened, with all that it said. */
export class ServerDidNotStart extends Error {
  override name = 'ServerDidNotStart'
  readonly exit: Exit
  readonly stdout: string
  readonly stderr: string

  constructor(exit: Exit, stdout: string, stderr: string) {
    super(`the server ended with ${exit.code ?? exit.signal} before it listened\n${stderr}\n${stdout}`)
    this.exit = exit
    this.stdout = stdout
    this.stderr = stderr
  }
}

export interface ServerProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  readonly wsUrl: string
  readonly port: number
  readonly pid: number
  readonly dataFolder: string
  /** All lines so far, oldest first (the oldest are forgotten beyond 50,000). */
  readonly logs: readonly LogLine[]
  /** Lines on stdout that are no JSON: there should be none. */
  readonly strayLines: readonly string[]
  readonly stderr: string
  readonly exited: Promise<Exit>
  readonly running: boolean
  waitForLog(what: string, match: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>
  /** SIGKILL: no goodbye. Resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM: resolves with the exit code, and throws (after a SIGKILL) when the server does not end. */
  stop(): Promise<number | null>
}

/** Starts a server on a free port and resolves once it says that it listens. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const dataFolder = options.dataFolder ?? (await mkdtemp(path.join(tmpdir(), 'syncline-test-')))
  const ownsFolder = options.dataFolder === undefined
  const child = spawn(process.execPath, commandLine(options, dataFolder), {
    cwd: repository,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const output = collectOutput(child)
  const exited = new Promise<Exit>(resolve => {
    // `close` and not `exit`: only then has everything been read that the child wrote.
    child.once('close', (code, signal) => {
      process.off('exit', killWithUs)
      resolve({ code, signal })
    })
  })
  let exit: Exit | undefined
  void exited.then(result => {
    exit = result
  })
  const end = async () => {
    if (exit === undefined) child.kill('SIGKILL')
    await within('the server to be gone after SIGKILL', exited, { timeoutMs: stopMsMax })
  }

  let port: number
  try {
    port = await waitUntil(
      'the server to listen',
      () => {
        if (exit !== undefined) return -1
        return output.logs.map(listeningPort).find(found => found !== undefined)
      },
      { timeoutMs: startMsMax, found: () => output.stdout.slice(-4_000) + output.stderr },
    )
    if (port === -1) throw new ServerDidNotStart(exit as unknown as Exit, output.stdout, output.stderr)
  } catch (error) {
    await end()
    if (ownsFolder) await rm(dataFolder, { recursive: true, force: true })
    throw error
  }

  return {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    dataFolder,
    logs: output.logs,
    strayLines: output.strayLines,
    get stderr() {
      return output.stderr
    },
    exited,
    get running() {
      return exit === undefined
    },
    waitForLog: (what, match, timeoutMs) =>
      waitUntil(what, () => output.logs.find(match), {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        found: () => output.logs.slice(-20),
      }),
    kill: end,
    async stop() {
      if (exit === undefined) child.kill('SIGTERM')
      try {
        const { code } = await within('the server to end after SIGTERM', exited, {
          timeoutMs: stopMsMax,
          found: () => output.logs.slice(-20),
        })
        return code
      } catch (error) {
        await end()
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      await end()
      if (ownsFolder) await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

/** Runs the command line to its end, for commands that are to say something or to refuse. */
export async function runCommand(
  args: readonly string[],
  { env, timeoutMs = startMsMax }: { env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  const main = path.join(repository, 'server/src/cli/main.ts')
  const child = spawn(process.execPath, ['--conditions=syncline-source', main, ...args], {
    cwd: repository,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = collectOutput(child)
  const exited = new Promise<Exit>(resolve =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  )
  try {
    const exit = await within(`syncline ${args.join(' ')} to end`, exited, { timeoutMs })
    return { ...exit, stdout: output.stdout, stderr: output.stderr }
  } finally {
    child.kill('SIGKILL')
  }
}

function commandLine(options: ServerOptions, dataFolder: string): string[] {
  const fromDist = options.fromDist === true
  return [
    ...(fromDist ? [] : ['--conditions=syncline-source']),
    ...(options.imports ?? []).flatMap(module => ['--import', module]),
    path.join(repository, fromDist ? 'server/dist/cli/main.js' : 'server/src/cli/main.ts'),
    'serve',
    '--port',
    String(options.port ?? 0),
    '--data',
    dataFolder,
    ...(options.args ?? []),
  ]
}

/** The machine's environment without what would set up the server behind the test's back. */
function environment(extra: Readonly<Record<string, string>> | undefined): NodeJS.ProcessEnv {
  const clean: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env)) {
    const sets = name.startsWith('SYNCLINE_') || ['HOST', 'PORT', 'LOG_LEVEL', 'NODE_OPTIONS'].includes(name)
    if (!sets) clean[name] = value
  }
  return { ...clean, NODE_NO_WARNINGS: '1', ...extra }
}

function listeningPort(line: LogLine): number | undefined {
  const { msg, port } = line
  return msg === 'listening' && typeof port === 'number' ? port : undefined
}

function collectOutput(child: ChildProcess) {
  const collected = { logs: [] as LogLine[], strayLines: [] as string[], stdout: '', stderr: '' }
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    collected.stdout = (collected.stdout + text).slice(-stderrCharactersMax)
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const parsed = parseLogLine(line)
      if (parsed !== undefined) collected.logs.push(parsed)
      else if (line !== '') collected.strayLines.push(line)
    }
    if (collected.logs.length > logLinesMax) collected.logs.splice(0, collected.logs.length - logLinesMax)
    if (collected.strayLines.length > logLinesMax) collected.strayLines.splice(0, logLinesMax / 2)
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    collected.stderr = (collected.stderr + text).slice(-stderrCharactersMax)
  })
  return collected
}

function parseLogLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null && 'msg' in parsed ? (parsed as LogLine) : undefined
  } catch {
    return undefined
  }
}
