/**
 * The list of commands, and how each is read from the command line and the environment.
 *
 * Exit codes: 0 for done (a server: stopped when it was told to), 1 for everything else, with the reason on stderr.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { AppError } from '../foundation/errors.ts'
import { type ReadSettings, readSettings } from '../foundation/settings.ts'
import type { Settings } from '../foundation/settings-table.ts'
import { configJson, configText } from './config.ts'
import { addSettingFlags, givenFlags } from './setting-flags.ts'
import { startErrorLine } from './start-error.ts'

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Serves until it is told to stop; the exit code. */
  readonly serve: (settings: Settings) => Promise<number>
}

/** Runs one command line (without `node` and the script) and resolves with the exit code. */
export async function runCommand(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stderr } = surroundings
  let exitCode = 0
  const program = commands(surroundings, code => {
    exitCode = code
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      stderr(startErrorLine(error))
      return 1
    }
    if (error.exitCode === 0) return 0
    // No command at all: commander has shown the help already.
    if (error.code !== 'commander.help') {
      stderr(startErrorLine(new AppError('COMMAND_INVALID', { reason: reasonOf(error) })))
    }
    return 1
  }
}

function commands(surroundings: Surroundings, ended: (exitCode: number) => void): Command {
  const { environment, stdout, stderr, serve } = surroundings
  const program = new Command('syncline')
    .description('A collaboration server for Yjs that never loses what was typed.')
    .version(version())
    .configureOutput({ writeOut: stdout, writeErr: stderr, outputError: () => {} })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, or stopped when told to; 1 anything else, with the reason on stderr.',
    )

  const settingsFor = (command: Command) => readSettings({ flags: givenFlags(command), environment })
  const refuse = ({ errors }: Extract<ReadSettings, { ok: false }>) => {
    for (const error of errors) stderr(startErrorLine(error))
    ended(1)
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
  return program
}

function reasonOf({ message }: CommanderError): string {
  return message.replace(/^error: /, '').replaceAll('\n', ' ')
}

/** The same file, seen from the sources and from `dist`. */
function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return manifest.version
}
