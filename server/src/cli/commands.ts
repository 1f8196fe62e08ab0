/**
 * The list of commands, and how each is read from the command line and the environment.
 *
 * What they end with stands in `exit-codes.ts`.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { AppError } from '../foundation/errors.ts'
import { type ReadSettings, readSettings } from '../foundation/settings.ts'
import { configJson, configText } from './config.ts'
import { addDocsCommands } from './docs-commands.ts'
import { exitCodes } from './exit-codes.ts'
import { addSettingFlags, givenFlags } from './setting-flags.ts'
import { startErrorLine } from './start-error.ts'
import { addStoreCommands } from './store-commands.ts'
import type { Surroundings } from './surroundings.ts'
import { addTokenCommand } from './token-command.ts'

/** Runs one command line (without `node` and the script) and resolves with the exit code. */
export async function runCommand(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stderr } = surroundings
  let exitCode: number = exitCodes.done.code
  const program = commands(surroundings, code => {
    exitCode = code
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      stderr(startErrorLine(error))
      return exitCodes.failed.code
    }
    if (error.exitCode === 0) return exitCodes.done.code
    // No command at all: commander has shown the help already.
    if (error.code !== 'commander.help') {
      stderr(startErrorLine(new AppError('COMMAND_INVALID', { reason: reasonOf(error) })))
    }
    return exitCodes.failed.code
  }
}

/** The whole command line, also for the page that is printed from it. */
export function commands(surroundings: Surroundings, ended: (exitCode: number) => void): Command {
  const { environment, stdout, stderr, serve } = surroundings
  const program = new Command('syncline')
    .description('A collaboration server for Yjs that never loses what was typed.')
    .version(version())
    .configureOutput({ writeOut: stdout, writeErr: stderr, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', exitCodesHelp())

  const settingsFor = (command: Command) => readSettings({ flags: givenFlags(command), environment })
  const refuse = ({ errors }: Extract<ReadSettings, { ok: false }>) => {
    for (const error of errors) stderr(startErrorLine(error))
    ended(exitCodes.failed.code)
  }

  addSettingFlags(program.command('serve'))
    .description('Serves documents until SIGTERM or SIGINT; flags come before the environment.')
    .action(async (_, command: Command) => {
      const read = settingsFor(command)
      if (read.ok) ended(await serve(read.values))
      else refuse(read)
    })

  addSettingFlags(program.command('config'))
    .description('Shows every setting as `serve` would have it, and where it comes from.')
    .option('--json', 'Shows them as JSON.')
    .action((options: { json?: true }, command: Command) => {
      const read = settingsFor(command)
      if (read.ok) stdout(options.json === true ? configJson(read) : configText(read))
      else refuse(read)
    })

  addDocsCommands(program, surroundings)
  addStoreCommands(program, surroundings, ended)
  addTokenCommand(program, surroundings)
  return program
}

function exitCodesHelp(): string {
  const lines = Object.values(exitCodes).map(({ code, sentence }) => `  ${code}  ${sentence}`)
  return `\nExit codes:\n${lines.join('\n')}`
}

function reasonOf({ message }: CommanderError): string {
  return message.replace(/^error: /, '').replaceAll('\n', ' ')
}

/** The same file, seen from the sources and from `dist`. */
function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return manifest.version
}
