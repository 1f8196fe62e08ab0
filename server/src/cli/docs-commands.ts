/**
 * `syncline docs …`: the documents of a data folder, listed, taken out, merged into and replaced.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { exportFormats } from '../content/export-format.ts'
import { AppError } from '../foundation/errors.ts'
import type { ListedDocument } from '../store/update-log.ts'
import { addOperatorFlags, asJson, fileUnusable, operate, readInput } from './operator-command.ts'
import { shownName } from './shown-name.ts'
import type { Surroundings } from './surroundings.ts'

export function addDocsCommands(program: Command, surroundings: Surroundings): void {
  const docs = program
    .command('docs')
    .description('Looks into the documents of a data folder, and changes them.')
  addList(docs, surroundings)
  addExport(docs, surroundings)
  addImport(docs, surroundings)
  addReplace(docs, surroundings)
}

function addList(docs: Command, surroundings: Surroundings): void {
  addOperatorFlags(docs.command('list'))
    .description('Lists every document: where its log ends, how large it is, its epoch, its name.')
    .action(async ({ json }: { json?: true }, command: Command) => {
      await operate(command, surroundings, 'listing', async operations => {
        const write = json ? jsonList(surroundings.stdout) : textList(surroundings.stdout)
        for await (const listed of operations.list()) write.one(listed)
        write.end()
      })
    })
}

interface ListWriter {
  one(listed: ListedDocument): void
  end(): void
}

const columns = ['seq', 'base bytes', 'tail entries', 'epoch'] as const
const columnWidths = [10, 12, 12, 16] as const

/** In columns, a line at a time, since a store may have a million; the name comes last because it may be long. */
function textList(stdout: (text: string) => void): ListWriter {
  const line = (cells: readonly string[], name: string) =>
    stdout(`${cells.map((cell, i) => cell.padStart(columnWidths[i]!)).join('  ')}  ${name}\n`)
  line(columns, 'document')
  return {
    one: ({ document, end, baseBytes, tailEntries, epoch }) =>
      line([String(end.seq), String(baseBytes), String(tailEntries), epoch], shownName(document)),
    end() {},
  }
}

function jsonList(stdout: (text: string) => void): ListWriter {
  let before = '[\n'
  return {
    one({ document, epoch, end, baseBytes, tailEntries }) {
      stdout(`${before}  ${JSON.stringify({ document, epoch, ...end, baseBytes, tailEntries })}`)
      before = ',\n'
    },
    end: () => stdout(before === '[\n' ? '[]\n' : '\n]\n'),
  }
}

function addExport(docs: Command, surroundings: Surroundings): void {
  addOperatorFlags(docs.command('export <name>'), { json: false })
    .description('Writes what is saved of a document to a file, or to stdout.')
    .addOption(
      new Option('--format <format>', 'A Yjs update (V1), which has all of it, or what can be read of it.')
        .choices([...exportFormats])
        .default('update'),
    )
    .option('--output <file>', 'Where to; a file that is there is replaced.')
    .action(async (name: string, { format, output }, command: Command) => {
      if (output === undefined && format === 'update' && surroundings.isTerminal.stdout) {
        throw new AppError('COMMAND_INVALID', { reason: 'an update is not for a terminal, use --output' })
      }
      const bytes = await operate(command, surroundings, 'exporting', operations =>
        operations.export(name, format),
      )
      if (output === undefined) surroundings.stdout(bytes)
      else writeOutput(output, bytes)
    })
}

/** The file is there as a whole or not at all. */
function writeOutput(file: string, bytes: Uint8Array): void {
  const partial = `${file}.partial`
  try {
    writeFileSync(partial, bytes)
    renameSync(partial, file)
  } catch (error) {
    rmSync(partial, { force: true })
    throw fileUnusable(file, 'written', error)
  }
}

function addImport(docs: Command, surroundings: Surroundings): void {
  addOperatorFlags(docs.command('import <name> <file>'))
    .description('Merges a Yjs update (V1) into a document, as an edit that those who are in it see.')
    .action(async (name: string, file: string, { json }: { json?: true }, command: Command) => {
      const update = await readInput(file)
      const { seq } = await operate(command, surroundings, 'importing', (operations, onProgress) =>
        operations.import(name, update, onProgress),
      )
      surroundings.stdout(
        json ? asJson({ document: name, seq }) : `${shownName(name)} has it; its log ends at ${seq}.\n`,
      )
    })
}

function addReplace(docs: Command, surroundings: Surroundings): void {
  addOperatorFlags(docs.command('replace <name> <file>'))
    .description(
      'Puts a Yjs update (V1) in the place of a document. It gets a new epoch: who still has the former content is refused.',
    )
    .action(async (name: string, file: string, { json }: { json?: true }, command: Command) => {
      const update = await readInput(file)
      const replaced = await operate(command, surroundings, 'replacing', (operations, onProgress) =>
        operations.replace(name, update, onProgress),
      )
      if (json) return surroundings.stdout(asJson({ document: name, ...replaced }))
      surroundings.stdout(`${shownName(name)} is replaced; its epoch is ${replaced.epoch}.\n`)
      for (const what of replaced.unreadable)
        surroundings.stderr(`Of the former content, ${what}. Who holds that is taken for new.\n`)
    })
}
