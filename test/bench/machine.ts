/** Where and with what it was measured: a number without this says nothing. */
import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import path from 'node:path'

export interface Machine {
  readonly date: string
  readonly commit: string
  readonly processor: string
  readonly cores: number
  readonly memoryGB: number
  readonly system: string
  readonly node: string
  /** Of one minute, when it began: what else ran here. */
  readonly loadAverage: number
  readonly flushMs: number
}

const flushes = 200

export function lookAtMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: commit(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `Linux ${release()}`,
    node: process.version,
    loadAverage: loadavg()[0]!,
    flushMs: measureFlush(),
  }
}

/** The median time of one fdatasync of 4 KiB in the folder where the servers keep their data. */
function measureFlush(): number {
  const folder = mkdtempSync(path.join(tmpdir(), 'syncline-flush-'))
  const file = openSync(path.join(folder, 'file'), 'w')
  try {
    const block = Buffer.alloc(4096, 1)
    const times = Array.from({ length: flushes }, () => {
      const startMs = performance.now()
      writeSync(file, block, 0, block.byteLength, 0)
      fdatasyncSync(file)
      return performance.now() - startMs
    })
    return times.sort((a, b) => a - b)[flushes >> 1]!
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true })
  }
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
    const isChanged = git('status', '--porcelain', '--', '../../server', '../../shared') !== ''
    return git('rev-parse', '--short', 'HEAD') + (isChanged ? ' with changes' : '')
  } catch {
    return 'unknown'
  }
}
