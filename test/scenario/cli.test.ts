/**
 * The command line as an operator's machine uses it: signals, exit codes, and the script that finds Node.
 */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { connectRaw, frame } from '../support/raw-client.ts'
import { startServer } from '../support/server-process.ts'
import { within } from '../support/wait-until.ts'

const script = path.resolve(import.meta.dirname, '../../server/bin/syncline')

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe('a server that is told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '[OPS-1] by %s closes with 1012 and ends with 0',
    async signal => {
      await using server = await startServer()
      using client = await connectRaw(server.wsUrl, 'notes')
      client.send(frame.syncStep1())
      await client.waitForFrame('to be joined', ({ kind }) => kind === 'sync-step-2')
      process.kill(server.pid, signal)
      expect(await client.waitForClose()).toMatchObject({ code: 1012 })
      expect(await within('the server to end', server.exited)).toEqual({ code: 0, signal: null })
      expect(server.logs.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['stopping', 'stopped']))
      expect(server.strayLines).toEqual([])
    },
  )

  test('twice at once, as by Ctrl-C under npm, still stops in order', async () => {
    await using server = await startServer({ args: ['--store', 'memory'] })
    process.kill(server.pid, 'SIGINT')
    process.kill(server.pid, 'SIGTERM')
    expect(await within('the server to end', server.exited)).toEqual({ code: 0, signal: null })
  })

  test('takes no more connections', async () => {
    await using server = await startServer({ args: ['--store', 'memory'] })
    expect(await server.stop()).toBe(0)
    await expect(fetch(server.url)).rejects.toThrow()
  })
})

test('an error that nobody caught is logged, told on stderr, and ends the server with 1', async () => {
  const plant = `process.once('SIGUSR2', () => { throw new Error('planted') })`
  await using server = await startServer({
    args: ['--store', 'memory'],
    imports: [`data:text/javascript,${encodeURIComponent(plant)}`],
  })
  process.kill(server.pid, 'SIGUSR2')
  expect(await within('the server to end', server.exited)).toEqual({ code: 1, signal: null })
  expect(server.logs.at(-1)).toMatchObject({ msg: 'crashed', error: { message: 'planted' } })
  expect(server.stderr).toContain('syncline: INTERNAL: Error: planted')
})

describe('the start script', () => {
  const sayWho =
    'console.log(JSON.stringify({ node: process.execPath, pid: process.pid, args: process.argv.slice(2) }))'

  /** A package with the script in it, and a folder of programs for PATH in which `node` is of the given version. */
  async function packageWith({ isBuilt = true, nodeOnPath }: { isBuilt?: boolean; nodeOnPath?: string }) {
    const root = await realpath(await mkdtemp(path.join(tmpdir(), 'syncline script ')))
    ends.push(() => rm(root, { recursive: true }))
    const [pack, programs] = [
      path.join(root, 'project/node_modules/@syncline/server'),
      path.join(root, 'programs'),
    ]
    for (const folder of [path.join(pack, 'bin'), path.join(pack, 'dist/cli'), programs]) {
      await mkdir(folder, { recursive: true })
    }
    await copyFile(script, path.join(pack, 'bin/syncline'))
    if (isBuilt) await writeFile(path.join(pack, 'dist/cli/main.js'), sayWho)
    for (const program of ['dirname', 'readlink'])
      await symlink(`/usr/bin/${program}`, path.join(programs, program))
    if (nodeOnPath !== undefined) await fakeNode(path.join(programs, 'node'), nodeOnPath)
    const linked = path.join(root, 'project/node_modules/.bin/syncline')
    await mkdir(path.dirname(linked))
    await symlink('../@syncline/server/bin/syncline', linked)
    return { root, linked, bin: path.dirname(linked), programs }
  }

  /** Answers `--version` as that version would, and is this Node otherwise. */
  async function fakeNode(file: string, version: string): Promise<void> {
    await writeFile(
      file,
      `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || exec "${process.execPath}" "$@"\n`,
    )
    await chmod(file, 0o755)
  }

  const run = (file: string, programs: string, ...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string; pid: number | undefined }>(resolve => {
      const child = execFile(
        file,
        args,
        { env: { PATH: programs }, timeout: 30_000 },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr, pid: child.pid }),
      )
    })

  test('runs, through the link that npm makes, on the Node that npm installed, as one process', async () => {
    const { linked, bin, programs } = await packageWith({ nodeOnPath: 'v20.1.0' })
    await symlink(process.execPath, path.join(bin, 'node'))
    const { code, stdout, pid } = await run(linked, programs, 'serve', '--data', 'a folder')
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { node: process.execPath, pid, args: ['serve', '--data', 'a folder'] },
    ])
  })

  test('passes over an installed Node that is too old, for the one on PATH', async () => {
    const { linked, bin, programs } = await packageWith({ nodeOnPath: 'v26.0.0' })
    await fakeNode(path.join(bin, 'node'), 'v18.20.0')
    expect((await run(linked, programs)).code).toBe(0)
  })

  test('says which Node is needed and which was found', async () => {
    const old = await packageWith({ nodeOnPath: 'v20.20.2' })
    expect(await run(old.linked, old.programs)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^syncline: NODE_TOO_OLD: Node 24 or newer is needed, found v20\.20\.2\. [^\n]*\n$/,
      ),
    })
    const none = await packageWith({})
    expect((await run(none.linked, none.programs)).stderr).toContain('found none')
  })

  test('says in a clone that is not built how to build it', async () => {
    const { linked, programs } = await packageWith({ isBuilt: false, nodeOnPath: 'v24.0.0' })
    const { code, stderr } = await run(linked, programs, 'serve')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^syncline: NOT_BUILT: [^\n]*npm run build[^\n]*\n$/)
  })
})
