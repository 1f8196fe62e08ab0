/**
 * The pages of `docs/` that are printed from the tables, so that they cannot say something else than the server does.
 */
import type { Argument, Command } from 'commander'
import type { ErrorEntry } from '../foundation/error-entry.ts'
import { errors } from '../foundation/errors.ts'
import {
  defaultText,
  environmentName,
  flagName,
  settingNames,
  settingOf,
} from '../foundation/settings-table.ts'
import { commands } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import { limitsText } from './limits-page.ts'

/** The command line as it is, to be looked at. */
const programForPages = commands(
  {
    environment: {},
    stdout() {},
    stderr() {},
    isTerminal: { stdout: false, stderr: false },
    serve: unreachable,
    openStore: unreachable,
  },
  () => {},
)

async function unreachable(): Promise<never> {
  throw new Error('the command line is only looked at')
}

export interface Page {
  readonly file: string
  readonly text: string
}

export function referencePages(): Page[] {
  return [
    { file: 'docs/settings.md', text: settingsPage() },
    { file: 'docs/errors.md', text: errorsPage() },
    { file: 'docs/limits.md', text: `${printed}\n\n${limitsText()}` },
    { file: 'docs/commands.md', text: commandsPage() },
  ]
}

const printed =
  '<!-- Printed from the code by `node --conditions=syncline-source server/src/cli/print-reference.ts`. -->'

function settingsPage(): string {
  const rows = settingNames.map(name => {
    const { type, unit, sentence } = settingOf(name)
    const values = unit === null ? type.expected : `${type.expected} (${unit})`
    return `| \`${name}\` | \`${environmentName(name)}\` | \`${flagName(name)}\` | ${defaultText(name)} | ${values} | ${sentence} |`
  })
  return `${printed}

# Settings

A flag comes before the environment, the environment before the default; a variable that is empty counts as not set. Flags
of settings that are true or false take no value, and have a \`--no-\` form. A setting that Syncline does not know, also any unknown
environment variable that begins with \`SYNCLINE_\`, keeps it from starting. \`syncline config\` shows each value with its origin.

| setting | environment | flag | default | values | |
|---|---|---|---|---|---|
${rows.join('\n')}
`
}

function errorsPage(): string {
  const rows = Object.entries<ErrorEntry>(errors).map(([code, { detail, act, status, close, retry }]) => {
    const shown = detail
      .replace(/\{(\w+)\}/g, '<$1>')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
    const told = [status === null ? '–' : String(status), close === null ? '–' : String(close.code)]
    return `| \`${code}\` | ${told.join(' | ')} | ${retry ? 'come back' : 'stop'} | ${shown} | ${act.replaceAll('<', '&lt;').replaceAll('>', '&gt;')} |`
  })
  return `${printed}

# Errors

Over HTTP an error is \`application/problem+json\` (RFC 9457) with \`type\`, \`title\`, \`status\`, \`detail\`, and with \`code\` and \`act\` of this
table. On the command line it is one line on stderr, \`syncline: CODE: detail act\`, and exit code 1. Over a WebSocket it is a close
code; 4400 to 4499 tell stock clients not to come back. A code is never used for two things and never reused.

| code | HTTP | close code | then | what it says | who must act |
|---|---|---|---|---|---|
${rows.join('\n')}
`
}

function commandsPage(): string {
  const rows = programForPages.commands.flatMap(command => commandRows(command, 'syncline'))
  const codes = Object.values(exitCodes).map(({ code, sentence }) => `- **${code}**: ${sentence}`)
  return `${printed}

# Commands

${operatorsText}

| command | flag | |
|---|---|---|
${rows.join('\n')}

## Exit codes

${codes.join('\n')}

What went wrong is one line on stderr, \`syncline: CODE: …\` ([all of them](errors.md)). Results are on stdout, and with \`--json\` for programs.
A line that shows how far something is appears on a terminal only.
`
}

const operatorsText = `\`serve\` and \`config\` take every [setting](settings.md) as a flag, and \`token\` those of tokens. All other commands work on Redis (\`SYNCLINE_REDIS_URL\`) where it is named,
beside any servers, or else on a data folder (\`--data\`, \`SYNCLINE_DATA\`): where a server holds it, that server does the work, asked over the Unix socket \`operator.sock\` in the folder, which only the
folder's owner can open; where none does, the command opens the folder itself.

- **Replace** puts a file in the place of a document, all of it or nothing, and gives the document a new epoch. People who are in it are
  sent away and come back; whoever still holds the former content, in a tab or in a browser's store, is refused with 4409 and has to load
  the page anew (and to forget what it stored). Where the file has client ids in common with what the document was, an export of yesterday for instance,
  all its ids are exchanged: what refers to ids from inside the content (stored relative positions, Yjs snapshots) then refers to nothing. An application
  that gives its clients fixed ids has to give them new ones.
- **Import** is an edit: it adds what the document lacks, deletions too, and takes nothing back. A crash in its middle leaves part of it; import it again.
- **Backup** holds everything that was acknowledged before it began; a store in Redis is copied with Redis' own means. The restored store keeps its epochs, so clients that have newer edits bring them.
- **Verify** compares checksums, the chain of seqs and links, pieces and vectors, and applies every update in a worker thread. Entries that are missing
  at the very end of a log leave no trace, and cannot be missed.`

/** A command with its arguments, and its flags but for those of settings, which have a page of their own. */
function commandRows(command: Command, path: string): string[] {
  const name = [
    path,
    command.name(),
    ...command.registeredArguments.map(argument => argumentText(argument)),
  ].join(' ')
  if (command.commands.length > 0)
    return command.commands.flatMap(inner => commandRows(inner, `${path} ${command.name()}`))
  const settingFlags = settingNames.map(flagName)
  const own = command.options.filter(({ long }) => !settingFlags.includes(long!.replace('--no-', '--')))
  return [
    `| \`${name}\` | | ${escapeCell(command.description())} |`,
    ...own.map(({ flags, description, argChoices }) => {
      const choices = argChoices === undefined ? '' : ` One of ${argChoices.join(', ')}.`
      return `| | \`${flags}\` | ${escapeCell(description)}${choices} |`
    }),
  ]
}

const argumentText = (argument: Argument) =>
  argument.required ? `<${argument.name()}>` : `[${argument.name()}]`

const escapeCell = (text: string) =>
  text.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('|', '\\|')
