/**
 * The pages of `docs/` that are printed from the tables, so that they cannot say something else than the server does.
 */
import { type ErrorEntry, errors } from '../foundation/errors.ts'
import {
  defaultText,
  environmentName,
  flagName,
  settingNames,
  settingOf,
} from '../foundation/settings-table.ts'

export interface Page {
  readonly file: string
  readonly text: string
}

export function referencePages(): Page[] {
  return [
    { file: 'docs/settings.md', text: settingsPage() },
    { file: 'docs/errors.md', text: errorsPage() },
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
