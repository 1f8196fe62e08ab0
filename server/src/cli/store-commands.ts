/**
 * `syncline backup`, `restore` and `verify`: the store of a data folder as a whole.
 */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Finding } from '../api/operations.ts'
import { systemClock } from '../foundation/clock.ts'
import { AppError, isErrorCode } from '../foundation/errors.ts'
import { restoreBackup } from '../store/restore-backup.ts'
import { exitCodes } from './exit-codes.ts'
import { addOperatorFlags, asJson, fileUnusable, operate, operatorSettings } from './operator-command.ts'
import { shownName } from './shown-name.ts'
import type { Surroundings } from './surroundings.ts'

type Ended = (exitCode: number) => void

export function addStoreCommands(program: Command, surroundings: Surroundings, ended: Ended): void {
  addBackup(program, surroundings)
  addRestore(program, surroundings)
  addVerify(program, surroundings, ended)
}

function addBackup(program: Command, surroundings: Surroundings): void {
  addOperatorFlags(program.command('backup <file>'))
    .description('Copies the whole store into a file that does not exist, while people type.')
    .action(async (given: string, { json }: { json?: true }, command: Command) => {
      const file = resolve(given)
      const { bytes } = await operate(command, surroundings, 'backing up', (operations, onProgress) =>
        operations.backup(file, onProgress),
      )
      surroundings.stdout(json ? asJson({ file, bytes }) : `${file} has the store (${bytes} bytes).\n`)
    })
}

function addRestore(program: Command, surroundings: Surroundings): void {
  addOperatorFlags(program.command('restore <file>'))
    .description('Makes a store of a backup, in an empty data folder; epochs stay.')
    .action((file: string, { json }: { json?: true }, command: Command) => {
      const { data: folder } = operatorSettings(command, surroundings)
      restoreInto(folder, file)
      surroundings.stdout(
        json ? asJson({ folder: resolve(folder) }) : `${folder} has the store of ${file}.\n`,
      )
    })
}

function restoreInto(folder: string, file: string): void {
  try {
    const restored = restoreBackup({ file, folder, clock: systemClock })
    if (restored.ok) return
    throw new AppError('FOLDER_NOT_EMPTY', { folder, found: shownName(restored.found) })
  } catch (error) {
    if (isErrorCode((error as { code?: unknown }).code)) throw error
    throw fileUnusable(file, 'read', error)
  }
}

function addVerify(program: Command, surroundings: Surroundings, ended: Ended): void {
  addOperatorFlags(program.command('verify [name]'))
    .description(
      'Reads and applies everything that is stored of a document, or of all, and tells what is wrong.',
    )
    .action(async (name: string | undefined, { json }: { json?: true }, command: Command) => {
      const findings: Finding[] = []
      const verified = await operate(command, surroundings, 'verifying', (operations, onProgress) =>
        operations.verify(name ?? null, { onFinding: finding => findings.push(finding), onProgress }),
      )
      surroundings.stdout(json ? asJson({ ...verified, findings }) : verifiedText(verified, findings))
      if (findings.length > 0) ended(exitCodes.found.code)
    })
}

function verifiedText(
  { documents, entries, pieces }: { documents: number; entries: number; pieces: number },
  findings: readonly Finding[],
): string {
  const lines = findings.map(
    ({ document, place, problem }) => `${shownName(document)}: ${place} ${problem}.\n`,
  )
  const seen = `${documents} documents with ${pieces} pieces of bases and ${entries} entries were read and applied`
  return `${lines.join('')}${seen}: ${findings.length === 0 ? 'nothing is wrong' : `${findings.length} findings`}.\n`
}
