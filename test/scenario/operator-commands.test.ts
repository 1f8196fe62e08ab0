/**
 * What operators do with documents and with the store, while people write and on a stopped server's folder.
 */
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Doc, encodeStateAsUpdate } from 'yjs'
import { joinFresh } from '../support/fresh-client.ts'
import { type Operator, operatorOf } from '../support/operator.ts'
import { runCommand, type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { waitUntil, within } from '../support/wait-until.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function newFolder(name = 'syncline-folder-'): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), name))
  ends.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function operatorAt(dataFolder: string): Promise<Operator> {
  const operator = await operatorOf(dataFolder)
  ends.push(() => operator[Symbol.asyncDispose]())
  return operator
}

function updateOf(text: string, client?: number): Uint8Array {
  const doc = new Doc()
  if (client !== undefined) doc.clientID = client
  doc.getText('text').insert(0, text)
  return encodeStateAsUpdate(doc)
}

const textOf = (doc: Doc) => doc.getText('text').toString()

/** Everything that a command can do, on whatever holds the folder. */
async function doEverything(operator: Operator): Promise<void> {
  const greeting = await operator.file('greeting.yjs', updateOf('hello', 5))
  const odd = 'odd/ß\n"name"'
  expect(await operator.ask('docs', 'import', 'notes', greeting)).toEqual({ document: 'notes', seq: 1 })
  expect(await operator.ask('docs', 'import', 'notes', greeting)).toEqual({ document: 'notes', seq: 1 })
  await operator.do('docs', 'import', odd, greeting)
  const listed = await operator.ask<{ document: string; seq: number; epoch: string }[]>('docs', 'list')
  expect(listed).toMatchObject([
    { document: 'notes', seq: 1 },
    { document: odd, seq: 1 },
  ])
  const lines = (await operator.do('docs', 'list')).trimEnd().split('\n')
  expect(
    lines.map(line =>
      line
        .trim()
        .split(/\s{2,}/)
        .at(-1),
    ),
  ).toEqual(['document', 'notes', '"odd/ß\\n\\"name\\""'])
  expect(textOf((await operator.export('notes')).doc)).toBe('hello')
  expect(await operator.do('docs', 'export', 'notes', '--format', 'text')).toBe('hello\n')
  expect(JSON.parse(await operator.do('docs', 'export', odd, '--format', 'json'))).toEqual({
    text: { kind: 'text', value: [{ insert: 'hello' }] },
  })
  const replacement = await operator.file('replacement.yjs', updateOf('goodbye', 5))
  const replaced = await operator.ask<{ epoch: string }>('docs', 'replace', 'notes', replacement)
  expect(replaced).toEqual({
    document: 'notes',
    epoch: expect.not.stringMatching(listed[0]!.epoch),
    renamed: true,
    unreadable: [],
  })
  expect(await operator.do('docs', 'export', 'notes', '--format', 'text')).toBe('goodbye\n')
  expect(await operator.ask('verify')).toEqual({ documents: 2, entries: 1, pieces: 1, findings: [] })
  expect(await operator.ask('verify', odd)).toMatchObject({ documents: 1, entries: 1 })
  const backup = path.join(operator.folder, 'backup.sqlite')
  expect(await operator.ask('backup', backup)).toEqual({ file: backup, bytes: (await stat(backup)).size })
  const restored = path.join(operator.folder, 'restored')
  const said = await runCommand(['restore', backup, '--data', restored, '--json'])
  expect([said.code, JSON.parse(said.stdout)]).toEqual([0, { folder: restored }])
  const elsewhere = await operatorAt(restored)
  expect(await elsewhere.ask('docs', 'list')).toEqual(await operator.ask('docs', 'list'))
}

describe('operators can list, export, import, replace, back up, restore and verify', () => {
  test('while a server holds the folder', async () => {
    await using server = await startServer()
    await doEverything(await operatorAt(server.dataFolder))
    expect(await server.stop()).toBe(0)
    expect(server.strayLines).toEqual([])
  })

  test('on the folder of a server that is stopped, and of one that was killed', async () => {
    const folder = await newFolder()
    const first = await startServer({ dataFolder: folder })
    await first.kill()
    expect(await readdir(folder)).toContain('operator.sock')
    await doEverything(await operatorAt(folder))
    // The socket that the killed one left is no obstacle to the next.
    await using second = await startServer({ dataFolder: folder })
    const operator = await operatorAt(folder)
    expect(await operator.do('docs', 'export', 'notes', '--format', 'text')).toBe('goodbye\n')
    expect((await joinFresh(second.wsUrl, 'notes')).doc.getText('text').toString()).toBe('goodbye')
  })

  test('in a folder whose path is longer than that of a socket may be', async () => {
    const folder = path.join(await newFolder(), 'x'.repeat(120), 'data')
    await using server = await startServer({ dataFolder: folder })
    const operator = await operatorAt(folder)
    const greeting = await operator.file('greeting.yjs', updateOf('hello'))
    await operator.do('docs', 'import', 'notes', greeting)
    expect((await joinFresh(server.wsUrl, 'notes')).doc.getText('text').toString()).toBe('hello')
    expect(await server.stop()).toBe(0)
    expect(await readdir(folder)).not.toContain('operator.sock')
  })
})

describe('while people write', () => {
  test('an import is an edit that they see, and an export has what they were told is saved', async () => {
    await using server = await startServer()
    const operator = await operatorAt(server.dataFolder)
    using anna = connectStock(server.wsUrl, 'notes')
    using ben = connectStock(server.wsUrl, 'notes')
    await Promise.all([anna.synced(), ben.synced()])
    anna.doc.getText('text').insert(0, 'from anna')
    await waitUntil('it to be seen', () => textOf(ben.doc) === 'from anna')
    expect(textOf((await operator.export('notes')).doc)).toBe('from anna')
    const other = new Doc()
    other.getText('title').insert(0, 'imported')
    const file = await operator.file('other.yjs', encodeStateAsUpdate(other))
    await operator.do('docs', 'import', 'notes', file)
    for (const { doc, ends } of [anna, ben]) {
      await waitUntil('the import to be seen', () => doc.getText('title').toString() === 'imported')
      expect(ends).toEqual([])
    }
    anna.doc.getText('title').insert(8, ' and edited')
    await waitUntil('it to be seen', () => ben.doc.getText('title').toString() === 'imported and edited')
  })

  test('a large import arrives in parts, of which none is larger than a piece', async () => {
    await using server = await startServer()
    const operator = await operatorAt(server.dataFolder)
    using anna = connectStock(server.wsUrl, 'notes')
    await anna.synced()
    const sizes: number[] = []
    anna.doc.on('update', (update: Uint8Array) => sizes.push(update.byteLength))
    const file = await operator.file('large.yjs', updateOf('long text '.repeat(300_000)))
    await operator.do('docs', 'import', 'notes', file)
    await waitUntil('all of it to arrive', () => textOf(anna.doc).length === 3_000_000)
    expect(sizes.length).toBeGreaterThan(10)
    for (const size of sizes) expect(size).toBeLessThanOrEqual(300 * 1024)
    expect(await operator.ask('verify')).toMatchObject({ findings: [] })
  })

  test('a file that can take the place of nothing sends nobody away', async () => {
    await using server = await startServer()
    const operator = await operatorAt(server.dataFolder)
    using anna = connectStock(server.wsUrl, 'notes')
    await anna.synced()
    const garbage = await operator.file('garbage.yjs', new TextEncoder().encode('no update'))
    for (const verb of ['import', 'replace']) {
      const { code, stdout, stderr } = await operator.run('docs', verb, 'notes', garbage)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^syncline: UPDATE_REFUSED: The file is no update that can be taken: [^\n]*\n$/)
    }
    expect(anna.ends).toEqual([])
  })
})

describe('the socket in the data folder', () => {
  test('is for its owner only: another user of the machine cannot use it', async () => {
    await using server = await startServer()
    const { dataFolder } = server
    // So that it is the socket alone that keeps them out.
    await chmod(dataFolder, 0o755)
    const socket = path.join(dataFolder, 'operator.sock')
    expect((await stat(socket)).mode & 0o777).toBe(0o600)
    if (process.getuid?.() !== 0) return
    const nobody = 65_534
    const program = `require('node:net').connect(${JSON.stringify(socket)})
      .on('error', error => console.log(error.code)).on('connect', () => process.exit(console.log('connected')))`
    const child = spawn(process.execPath, ['-e', program], { uid: nobody, gid: nobody, cwd: '/' })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      said += text
    })
    await within('the other user to be refused', new Promise(resolve => child.once('close', resolve)))
    expect(said.trim()).toBe('EACCES')
  })

  test('is not there without a folder, and its failure keeps no server from serving', async () => {
    await using inMemory = await startServer({ args: ['--store', 'memory'] })
    expect(await readdir(inMemory.dataFolder)).toEqual([])
    const folder = await newFolder()
    await writeFile(path.join(folder, 'operator.sock'), 'something else')
    await using server = await startServer({ dataFolder: folder })
    const failed = await server.waitForLog('the failure', ({ msg }) => msg === 'operator socket failed')
    expect(JSON.stringify(failed.error)).toContain('operator.sock is in the folder and is no socket')
    await joinFresh(server.wsUrl, 'notes')
    const operator = await operatorAt(folder)
    const { code, stderr } = await operator.run('docs', 'list')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^syncline: OPERATOR_SOCKET_UNUSABLE: [^\n]*\n$/)
  })
})

describe('a command that cannot do its work says so in one line and ends with 1', () => {
  async function refusals(dataFolder: string) {
    const operator = await operatorAt(dataFolder)
    const greeting = await operator.file('greeting.yjs', updateOf('hello'))
    await operator.do('docs', 'import', 'notes', greeting)
    await mkdir(path.join(operator.folder, 'folder'))
    return {
      operator,
      cases: [
        [['docs', 'export', 'nobody'], 'DOCUMENT_UNKNOWN: There is no document "nobody".'],
        [['verify', 'nobody'], 'DOCUMENT_UNKNOWN: There is no document "nobody".'],
        [['docs', 'import', 'x'.repeat(1_025), greeting], 'DOCUMENT_UNKNOWN: '],
        [
          ['docs', 'import', 'notes', '/nowhere/file'],
          'FILE_UNUSABLE: The file /nowhere/file cannot be read',
        ],
        [
          ['docs', 'export', 'notes', '--output', '/nowhere/file'],
          'FILE_UNUSABLE: The file /nowhere/file cannot be written',
        ],
        [
          ['docs', 'export', 'notes', '--format', 'word'],
          "COMMAND_INVALID: The command line is not understood: option '--format <format>' argument 'word' is invalid. Allowed choices are update, json, text.",
        ],
        [['backup', greeting], 'BACKUP_FAILED: The backup was not written: expected'],
        [['backup', '/nowhere/file'], 'BACKUP_FAILED: '],
        [['restore', greeting], `FOLDER_NOT_EMPTY: The folder ${dataFolder} is not empty`],
        [
          ['docs', 'list', '--folder', 'x'],
          "COMMAND_INVALID: The command line is not understood: unknown option '--folder'",
        ],
      ] as const,
    }
  }

  async function expectRefusals(dataFolder: string): Promise<void> {
    const { operator, cases } = await refusals(dataFolder)
    for (const [words, said] of cases) {
      const { code, stdout, stderr } = await operator.run(...words)
      expect([words, code, stdout]).toEqual([words, 1, ''])
      expect(stderr).toMatch(/^syncline: [^\n]*\n$/)
      expect(stderr).toContain(said)
    }
  }

  test('on a running server', async () => {
    await using server = await startServer()
    await expectRefusals(server.dataFolder)
    expect(server.running).toBe(true)
  })

  test('on a stopped one', async () => {
    const folder = await newFolder()
    expect(await (await startServer({ dataFolder: folder })).stop()).toBe(0)
    await expectRefusals(folder)
  })

  test('in a folder without a store, which it leaves alone', async () => {
    const folder = await newFolder()
    const operator = await operatorAt(folder)
    for (const words of [['docs', 'list'], ['verify'], ['backup', path.join(operator.folder, 'b')]]) {
      const { code, stderr } = await operator.run(...words)
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`STORE_MISSING: There is no store in ${folder}.`),
      ])
    }
    expect(await readdir(folder)).toEqual([])
  })

  test('with a backup that is none, and leaves nothing in the folder that a restore could stumble over', async () => {
    const folder = path.join(await newFolder(), 'data')
    const operator = await operatorAt(folder)
    const garbage = await operator.file('garbage', new TextEncoder().encode('not a store at all'))
    const { code, stderr } = await operator.run('restore', garbage)
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`STORE_FORMAT_FOREIGN: Expected ${garbage} to be`),
    ])
    const missing = await operator.run('restore', '/nowhere/backup')
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('FILE_UNUSABLE: ')])
    expect(await readdir(folder)).toEqual(['lock'])
  })
})

describe('a server that stops', () => {
  test('lets a command that is under way end in order', async () => {
    await using server: ServerProcess = await startServer()
    const operator = await operatorAt(server.dataFolder)
    const file = await operator.file('large.yjs', updateOf('long text '.repeat(300_000)))
    const importing = operator.run('docs', 'import', 'notes', file)
    await server.waitForLog('the import to begin', ({ msg }) => msg === 'room opened')
    expect(await server.stop()).toBe(0)
    const { code, stderr } = await importing
    if (code !== 0) expect(stderr).toMatch(/^syncline: [A-Z_]+: /)
    // Whatever part of it is there is whole, and importing it once more completes it.
    expect(await operator.ask('verify')).toMatchObject({ findings: [] })
    await operator.do('docs', 'import', 'notes', file)
    expect(textOf((await operator.export('notes')).doc)).toHaveLength(3_000_000)
  })
})
