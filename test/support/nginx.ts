/**
 * A real nginx of a test's own, on ports of the test's choice, with the `server` blocks that it is given.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from './wait-until.ts'

/** Debian keeps it where only root looks. */
const path = `${process.env.PATH}:/usr/sbin`

/** Tests are skipped by this sentence where nginx is missing; undefined where it is there. */
export function nginxMissing(): string | undefined {
  const { status } = spawnSync('nginx', ['-v'], { env: { PATH: path } })
  return status === 0 ? undefined : 'nginx is not installed (Debian: apt-get install nginx)'
}

export interface Nginx extends AsyncDisposable {
  /** What is in a file that its configuration names by a relative path. */
  read(file: string): string
}

/** Resolves once it listens on `port`. The configuration is a whole one, with its `http { ... }`. */
export async function startNginx(port: number, configuration: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-nginx-'))
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    kind => `${kind}_temp_path ${folder}/${kind};`,
  )
  // One process, in the foreground, as the user that runs the test.
  const lines = [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr info;',
    configuration.replace('http {', `http {\n${temporary.join('\n')}`),
  ]
  writeFileSync(file, lines.join('\n'))
  const child = spawn('nginx', ['-p', folder, '-c', file, '-e', 'stderr'], {
    env: { PATH: path },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  let output = ''
  child.stderr!.on('data', data => (output += data))
  child.on('error', error => (output += error.message))
  const end = async () => {
    process.off('exit', killWithUs)
    await killed(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitUntil('nginx to listen', () => child.exitCode === null && accepts(port), {
      found: () => output,
    })
  } catch (error) {
    await end()
    throw error
  }
  return {
    read: name => readFileSync(join(folder, name), 'utf8'),
    [Symbol.asyncDispose]: end,
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy())
  })
}
