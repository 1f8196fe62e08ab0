/**
 * What all operators' commands have in common: they work on a data folder or on Redis, may speak JSON, and show how far they are.
 */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { OnProgress, Operations } from '../api/operations.ts'
import { systemClock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import { readSettings } from '../foundation/settings.ts'
import { flagName, type Settings } from '../foundation/settings-table.ts'
import { progressLine } from './progress-line.ts'
import { addSettingFlag } from './setting-flags.ts'
import type { Surroundings } from './surroundings.ts'

/** Adds `--data` and `--redis-url`, and `--json` for those who have something to say. */
export function addOperatorFlags(command: Command, { json = true } = {}): Command {
  addSettingFlag(command, 'data')
  addSettingFlag(command, 'redisUrl')
  return json ? command.option('--json', 'Says it as JSON.') : command
}

/**
 * The settings of a command on a store. Like a server's, so that both understand the same environment, but a command does
 * not listen, and there is nothing behind the memory store. Whoever names a folder means it, whatever Redis the environment names.
 */
export function operatorSettings(command: Command, { environment }: Surroundings): Settings {
  const flags = new Map([
    [flagName('open'), 'true'],
    [flagName('store'), 'disk'],
  ])
  const { data, redisUrl } = command.opts()
  if (command.getOptionValueSource('data') === 'cli')
    flags.set(flagName('data'), data).set(flagName('redisUrl'), '')
  if (command.getOptionValueSource('redisUrl') === 'cli') flags.set(flagName('redisUrl'), redisUrl)
  const read = readSettings({ flags, environment })
  if (!read.ok) throw read.errors[0]!
  return read.values
}

/** Runs some work on the store, with a line for its progress that is gone when it is done. */
export async function operate<T>(
  command: Command,
  surroundings: Surroundings,
  what: string,
  work: (operations: Operations, onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  const opened = await surroundings.openStore(operatorSettings(command, surroundings))
  const { isTerminal, stderr } = surroundings
  const write = isTerminal.stderr ? stderr : null
  const line = progressLine(what, { write, nowMs: systemClock.monotonic })
  try {
    return await work(opened.operations, line.show)
  } finally {
    line.clear()
    await opened.close()
  }
}

export async function readInput(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw fileUnusable(file, 'read', error)
  }
}

export function fileUnusable(file: string, use: 'read' | 'written', cause: unknown): AppError {
  const { code, message } = cause as NodeJS.ErrnoException
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'this user may not do that',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
  }
  return new AppError('FILE_UNUSABLE', { file, use, reason: reasons[code ?? ''] ?? message }, { cause })
}

export const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
