/**
 * Surroundings in which a server must not start: each is one clear line, exit code 1, and nothing is lost.
 */
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import { connectRaw, frame } from '../support/raw-client.ts'
import { runCommand, startServer } from '../support/server-process.ts'

/** Client 1 inserts "hi" into text t (protocol.md, part a). */
const hi = Uint8Array.of(1, 1, 1, 0, 4, 1, 1, 0x74, 2, 0x68, 0x69, 0)

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'syncline-bad-'))
  ends.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a server that must refuse, and returns what it said. */
async function refusal(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['serve', '--port', '0', ...args], { env })
  // The store may have been opened before the port was found to be in use; nothing else is told there.
  const logged = stdout.split('\n').filter(line => line !== '')
  expect(logged.map(line => JSON.parse(line).msg).filter(message => message !== 'store opened')).toEqual([])
  expect(stderr).toMatch(/^(syncline: [A-Z_]+: [^\n]+\n)+$/)
  expect(code).toBe(1)
  return stderr
}

async function writeHi(dataFolder: string): Promise<void> {
  await using server = await startServer({ dataFolder })
  using client = await connectRaw(server.wsUrl, 'notes')
  client.send(frame.syncStep1())
  await client.waitForFrame('the answer', ({ kind }) => kind === 'sync-step-2')
  client.send(frame.update(hi))
  client.send(frame.saved(Uint8Array.of(7)))
  await client.waitForFrame('the edit to be saved', ({ kind }) => kind === 'saved')
  expect(await server.stop()).toBe(0)
}

async function readHi(dataFolder: string): Promise<void> {
  await using server = await startServer({ dataFolder })
  using client = await connectRaw(server.wsUrl, 'notes')
  client.send(frame.syncStep1())
  const { body } = await client.waitForFrame('the document', ({ kind }) => kind === 'sync-step-2')
  expect(body).toEqual(hi)
}

describe('settings', () => {
  test('an unknown one keeps the server from starting', async () => {
    const said = await refusal(['--prot', '80'], { SYNCLINE_LIMIT_CONECTIONS: '5' })
    expect(said).toContain('syncline: SETTING_UNKNOWN: There is no setting --prot (did you mean --port?).')
    expect(said).toContain('SYNCLINE_LIMIT_CONECTIONS (did you mean SYNCLINE_LIMIT_CONNECTIONS?)')
  })

  test('a wrong value is told with what was expected, what came and where from', async () => {
    expect(await refusal([], { SYNCLINE_STORE: 'paper' })).toContain(
      'store (environment SYNCLINE_STORE) must be one of disk, memory, but is "paper"',
    )
  })

  test('an address that others can reach needs --open', async () => {
    const said = await refusal([], { HOST: '0.0.0.0' })
    expect(said).toContain('OPEN_REQUIRED: host (environment HOST) is 0.0.0.0')
    expect(said).toContain('--open')
  })

  test('--open with such an address starts', async () => {
    await using server = await startServer({
      args: ['--store', 'memory', '--open'],
      env: { HOST: '0.0.0.0' },
    })
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(server.logs.find(({ msg }) => msg === 'listening')).toMatchObject({
      url: `http://127.0.0.1:${server.port}`,
      host: '0.0.0.0',
    })
  })

  test('::1 is this machine', async () => {
    await using server = await startServer({ args: ['--store', 'memory'], env: { HOST: '::1' } })
    expect((await fetch(`http://[::1]:${server.port}/readyz`)).status).toBe(200)
    using client = await connectRaw(`ws://[::1]:${server.port}`, 'notes')
    expect(client.closed).toBeUndefined()
  })
})

describe('the port', () => {
  test('that is in use is told, and the data folder is let go', async () => {
    const taken: Server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => taken.once('listening', resolve))
    ends.push(() => taken.close())
    const { port } = taken.address() as { port: number }
    const folder = await freshFolder()
    const said = await refusal(['--port', String(port), '--data', folder])
    expect(said).toContain(`PORT_IN_USE: Port ${port} of 127.0.0.1 is in use by another process.`)
    await writeHi(folder)
  })

  test('of an address that this machine does not have is told', async () => {
    expect(await refusal(['--host', '192.0.2.1', '--open', '--store', 'memory'])).toContain(
      'ADDRESS_UNUSABLE: The server cannot listen on port 0 of 192.0.2.1: this machine does not have that address.',
    )
  })
})

describe('the data folder', () => {
  test('that is in use names who uses it, and the one who does goes on', async () => {
    const folder = await freshFolder()
    await using first = await startServer({ dataFolder: folder })
    expect(await refusal(['--data', folder])).toMatch(
      new RegExp(`DATA_FOLDER_IN_USE: .*${folder}.*process ${first.pid} on host`),
    )
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
  })

  test('that is free again after kill -9 is taken', async () => {
    const folder = await freshFolder()
    const first = await startServer({ dataFolder: folder })
    await first.kill()
    await writeHi(folder)
    await readHi(folder)
  })

  test('that is a file, or lies below one, is refused', async () => {
    const file = path.join(await freshFolder(), 'file')
    await writeFile(file, 'mine')
    for (const data of [file, path.join(file, 'below')]) {
      expect(await refusal(['--data', data])).toContain(`DATA_FOLDER_UNUSABLE: `)
    }
    expect(await readFile(file, 'utf8')).toBe('mine')
  })

  test('that may not be read is refused, naming folder and user', async () => {
    const folder = path.join(await freshFolder(), 'closed')
    await mkdir(folder)
    await chmod(folder, 0o000)
    const { code, stderr } = await runAsNobody(['serve', '--port', '0', '--data', folder])
    expect(stderr).toMatch(/^syncline: DATA_FOLDER_UNUSABLE: [^\n]+\n$/)
    expect(stderr).toContain(folder)
    expect(code).toBe(1)
  })

  test('of a newer Syncline is refused and left as it is', async () => {
    const folder = await freshFolder()
    await writeHi(folder)
    const format = setFormat(folder, 999)
    const said = await refusal(['--data', folder])
    expect(said).toContain('STORE_FORMAT_NEWER: ')
    expect(said).toContain('999')
    expect(setFormat(folder, format)).toBe(999)
    await readHi(folder)
  })

  test('with a file that is no store of ours is refused and left as it is', async () => {
    const folder = await freshFolder()
    const file = path.join(folder, 'syncline.sqlite')
    await writeFile(file, 'dear diary, '.repeat(1_000))
    expect(await refusal(['--data', folder])).toContain('STORE_FORMAT_FOREIGN: ')
    expect(await readFile(file, 'utf8')).toBe('dear diary, '.repeat(1_000))
  })
})

/** Writes another format number into a store, and returns the one that was there. */
function setFormat(folder: string, format: number): number {
  const database = new DatabaseSync(path.join(folder, 'syncline.sqlite'))
  try {
    const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number }
    database.exec(`PRAGMA user_version = ${format}`)
    return found
  } finally {
    database.close()
  }
}

/** Permissions do not bind root, as whom tests often run: the command then runs as the user `nobody`. */
function runAsNobody(args: string[]): Promise<{ code: number | null; stderr: string }> {
  const main = path.resolve(import.meta.dirname, '../../server/src/cli/main.ts')
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  const child = spawn(process.execPath, ['--conditions=syncline-source', main, ...args], {
    ...nobody,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH },
    timeout: 60_000,
  })
  return new Promise((resolve, reject) => {
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.once('error', reject).once('close', code => resolve({ code, stderr }))
  })
}
