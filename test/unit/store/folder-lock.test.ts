import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { lockFolder } from '@syncline/server/internal/store/folder-lock'
import { StoreOpenError } from '@syncline/server/internal/store/store-open-error'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const holder = { instance: 'instance-1', nowMs: Date.parse('2026-11-20T10:00:00Z') }
const isRoot = process.geteuid?.() === 0
const nobody = 65_534

let parent: string
let folder: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'syncline-lock-'))
  folder = join(parent, 'data')
})
afterEach(() => {
  rmSync(parent, { recursive: true })
})

function openError(open: () => unknown): StoreOpenError {
  try {
    open()
  } catch (error) {
    expect(error).toBeInstanceOf(StoreOpenError)
    return error as StoreOpenError
  }
  throw new Error('expected an error')
}

describe('folder lock', () => {
  test('a folder is made for the server alone, and names who holds it', () => {
    const lock = lockFolder(folder, holder)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readFileSync(join(folder, 'lock-holder'), 'utf8')).toBe(
      `process ${process.pid} on host ${hostname()} (instance instance-1), since 2026-11-20T10:00:00.000Z\n`,
    )
    lock.release()
  })

  test('the second one is told who holds the folder and what to do, until the first lets go', () => {
    const lock = lockFolder(folder, holder)
    const error = openError(() => lockFolder(folder, { ...holder, instance: 'instance-2' }))
    expect(error.code).toBe('DATA_FOLDER_IN_USE')
    expect(error.message).toContain(folder)
    expect(error.message).toContain(`process ${process.pid} on host ${hostname()} (instance instance-1)`)
    expect(error.message).toContain('stop that one')
    lock.release()
    lock.release()
    lockFolder(folder, holder).release()
  })

  test('looking at the files of a lock does not open it', () => {
    const lock = lockFolder(folder, holder)
    readFileSync(join(folder, 'lock-holder'))
    expect(openError(() => lockFolder(folder, holder)).code).toBe('DATA_FOLDER_IN_USE')
    lock.release()
  })

  test('another process is kept out, and kill -9 frees the folder', async () => {
    const program = `
      const { lockFolder } = await import('@syncline/server/internal/store/folder-lock')
      globalThis.lock = lockFolder(${JSON.stringify(folder)}, { instance: 'other', nowMs: 0 })
      console.log('locked')
      setInterval(() => {}, 1000)`
    const child = spawn(
      process.execPath,
      ['--conditions=syncline-source', '--input-type=module', '-e', program],
      { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const exited = new Promise(resolve => child.once('exit', resolve))
    for await (const line of createInterface(child.stdout)) if (line === 'locked') break
    const error = openError(() => lockFolder(folder, holder))
    expect(error).toMatchObject({ code: 'DATA_FOLDER_IN_USE' })
    expect(error.message).toContain(`process ${child.pid} on host`)
    child.kill('SIGKILL')
    await exited
    lockFolder(folder, holder).release()
  })

  test('a folder that is a file is an error that names it and who must act', () => {
    writeFileSync(folder, '')
    const error = openError(() => lockFolder(folder, holder))
    expect(error.code).toBe('DATA_FOLDER_UNUSABLE')
    expect(error.message).toContain(`expected ${folder} to be readable and writable by user`)
    expect(error.message).toContain('Whoever runs the server must')
  })

  test.runIf(isRoot)('a folder that may not be written, or made, is an error', () => {
    lockFolder(folder, holder).release()
    for (const path of [folder, join(parent, 'other')]) {
      process.seteuid?.(nobody)
      try {
        const error = openError(() => lockFolder(path, holder))
        expect(error.code).toBe('DATA_FOLDER_UNUSABLE')
        expect(error.message).toMatch(/EACCES|permission denied/)
      } finally {
        process.seteuid?.(0)
      }
    }
  })
})
