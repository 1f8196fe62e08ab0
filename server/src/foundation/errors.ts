/**
 * Every error that Syncline tells somebody, in one table: what it is called, what it says, who must act, and how it looks
 * over HTTP and over a WebSocket. `docs/errors.md` is printed from it.
 *
 * A code is never used for two things and never reused. What can happen in the ordinary course inside the server is a
 * value there (`{ ok: false, ... }`); an `AppError` is for what reaches a person or a program outside.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { authErrors } from './auth-errors.ts'
import { type ErrorEntry, entry, startError } from './error-entry.ts'
import { httpErrors } from './http-errors.ts'
import { limitErrors } from './limit-errors.ts'

export const errors = {
  ...httpErrors,
  ...authErrors,
  ...limitErrors,
  DEMO_NOT_BUILT: entry({
    title: 'Demo not built',
    detail: 'The demo editor has not been built, so there is no page to show.',
    act: 'The operator must run `npm run build`, or start the server with --no-demo.',
    status: 503,
    close: null,
    retry: false,
  }),
  INTERNAL: entry({
    title: 'Internal error',
    detail: 'The server failed; what happened is in its log.',
    act: 'The operator must look into the log and report the error.',
    status: 500,
    close: closeCodes.overload,
    retry: true,
  }),
  SETTING_UNKNOWN: startError(
    'Unknown setting',
    'There is no setting {setting}{meant}.',
    'Whoever starts the server must correct or remove it; `syncline config` lists all settings.',
  ),
  SETTING_INVALID: startError(
    'Wrong value of a setting',
    '{setting} must be {expected}, but is {found}.',
    'Whoever starts the server must correct it.',
  ),
  OPEN_REQUIRED: startError(
    'Open to the network only on purpose',
    '{setting} is {host}, which other machines can reach, and this server would ask nobody who they are.',
    'Whoever starts the server must say how people prove who they are (SYNCLINE_AUTH_SECRET for instance), use 127.0.0.1, or add --open (SYNCLINE_OPEN=true) to let everybody in.',
  ),
  TLS_UNUSABLE: startError(
    'Certificate or key not usable',
    '{setting} cannot be used: {reason}.',
    'Whoever starts the server must name a certificate and the key that belongs to it (PEM), which its user may read.',
  ),
  COMMAND_INVALID: startError(
    'Wrong command line',
    'The command line is not understood: {reason}.',
    'Whoever calls the command must correct it; `syncline --help` shows how.',
  ),
  PORT_IN_USE: startError(
    'Port in use',
    'Port {port} of {host} is in use by another process.',
    'Whoever starts the server must stop that process or choose another port with --port or PORT (0 for any).',
  ),
  ADDRESS_UNUSABLE: startError(
    'Address not usable',
    'The server cannot listen on port {port} of {host}: {reason}.',
    'Whoever starts the server must choose another --host (HOST) or --port (PORT).',
  ),
  // The store tells the details of these six itself (`StoreOpenError`), it is the one that knows them.
  DATA_FOLDER_IN_USE: startError(
    'Data folder in use',
    'Another server holds the data folder; the message names its process and host.',
    'Whoever starts the server must stop that one, or give this one a folder of its own (--data, SYNCLINE_DATA).',
  ),
  DATA_FOLDER_UNUSABLE: startError(
    'Data folder not usable',
    'The data folder, or a file in it, cannot be made, read or written.',
    'Whoever starts the server must give it a folder that it may read and write (--data, SYNCLINE_DATA).',
  ),
  STORE_FORMAT_NEWER: startError(
    'Store of a newer Syncline',
    'The store was written by a newer Syncline. Nothing was changed in it.',
    'Whoever starts the server must use that Syncline or a newer one.',
  ),
  STORE_FORMAT_FOREIGN: startError(
    'Not a store of Syncline',
    'The file in the data folder was not written by Syncline. Nothing was changed in it.',
    'Whoever starts the server must choose another data folder (--data, SYNCLINE_DATA).',
  ),
  REDIS_UNSUITABLE: startError(
    'Redis not suitable',
    'Redis is set up so that documents would not be safe in it, or is too old; the message says how.',
    'The operator must change what the message names, or name another one (--redis-url, SYNCLINE_REDIS_URL).',
  ),
  REDIS_AWAY: startError(
    'Redis away',
    'Redis cannot be reached, and a command does not wait for it; the message says why.',
    'The operator must see that it runs, or name another one (--redis-url, SYNCLINE_REDIS_URL).',
  ),
  // What operators' commands say. Over HTTP only on the socket in the data folder, which nobody but its owner may use.
  DOCUMENT_UNKNOWN: entry({
    title: 'No such document',
    detail: 'There is no document {document}.',
    act: 'Whoever calls the command must name one that is there; `syncline docs list` shows them.',
    status: 404,
    close: null,
    retry: false,
  }),
  UPDATE_REFUSED: entry({
    title: 'Update refused',
    detail: 'The file is no update that can be taken: {reason}.',
    act: 'Whoever calls the command must give it one Yjs update (V1), as `syncline docs export` writes it.',
    status: 422,
    close: null,
    retry: false,
  }),
  OTHER_EPOCH: entry({
    title: 'Update of a former epoch',
    detail: 'The update is of a former epoch of this document: {reason}.',
    act: 'Whoever wants the former content back must use `syncline docs replace`.',
    status: 409,
    close: closeCodes.otherEpoch,
    retry: false,
  }),
  DOCUMENT_DAMAGED: entry({
    title: 'Document damaged',
    detail: 'The document cannot be read: {reason}.',
    act: 'The operator must look what else is damaged (`syncline verify`), and replace the document or restore a backup.',
    status: 500,
    close: null,
    retry: false,
  }),
  DOCUMENT_BUSY: entry({
    title: 'Document busy',
    detail: 'Nothing was changed: {reason}.',
    act: 'Whoever called the command may call it again.',
    status: 503,
    close: null,
    retry: true,
  }),
  STORE_AWAY: entry({
    title: 'Store away',
    detail: 'The store could not write it, and nothing was changed: {reason}.',
    act: 'The operator must see that the disk has room and works.',
    status: 503,
    close: null,
    retry: true,
  }),
  BACKUP_FAILED: entry({
    title: 'Backup not written',
    detail: 'The backup was not written: {reason}.',
    act: 'Whoever calls the command must name a file that does not exist, where the user of the server may write.',
    status: 409,
    close: null,
    retry: false,
  }),
  STORE_MISSING: startError(
    'No store',
    'There is no store in {folder}.',
    'Whoever calls the command must name the data folder of a server (--data, SYNCLINE_DATA).',
  ),
  FOLDER_NOT_EMPTY: startError(
    'Folder not empty',
    'The folder {folder} is not empty: {found} is in it.',
    'Whoever restores a backup must give it a folder of its own (--data).',
  ),
  FILE_UNUSABLE: startError(
    'File not usable',
    'The file {file} cannot be {use}: {reason}.',
    'Whoever calls the command must name another file, or be allowed to use this one.',
  ),
  OPERATOR_SOCKET_UNUSABLE: startError(
    'No way to the running server',
    'The server that holds {folder} cannot be asked: {reason}.',
    'The operator must call the command as the user and on the host of that server, or stop it first.',
  ),
  // These two are told by `bin/syncline`, before any of this can run.
  NODE_TOO_OLD: startError(
    'Node too old',
    'Syncline needs Node 24 or newer; the message says which was found.',
    'Whoever starts the server must install Node 24 or newer.',
  ),
  NOT_BUILT: startError(
    'Not built',
    'The clone has not been built, so there is nothing to start.',
    'Whoever starts the server must run `npm run build`.',
  ),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errors

type Placeholder<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholder<Rest>
  : never

/** What the detail of an error has to be filled in with. */
export type ErrorFields<Code extends ErrorCode> = Record<
  Placeholder<(typeof errors)[Code]['detail']>,
  string | number
>

/** An error of the table, filled in. `message` is its detail; who must act is in `entry.act`. */
export class AppError<Code extends ErrorCode = ErrorCode> extends Error {
  override name = 'AppError'
  readonly code: Code

  constructor(code: Code, fields: ErrorFields<Code>, options?: ErrorOptions) {
    super(fillIn(errors[code].detail, fields), options)
    this.code = code
  }

  get entry(): ErrorEntry {
    return errors[this.code]
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errors, code)
}

function fillIn(detail: string, fields: Readonly<Record<string, string | number>>): string {
  return detail.replace(/\{(\w+)\}/g, (_, name: string) => String(fields[name]))
}
