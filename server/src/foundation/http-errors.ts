/**
 * The part of the table of errors (`errors.ts`) about requests: what they ask for, from where, and how they are made.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { entry } from './error-entry.ts'

export const httpErrors = {
  DOCUMENT_NAME_INVALID: entry({
    title: 'No valid document name',
    detail: 'The path does not name a document: {reason}.',
    act: 'The client must connect to /<document>.',
    status: 400,
    close: closeCodes.malformed,
    retry: false,
  }),
  REQUEST_INVALID: entry({
    title: 'Invalid request',
    detail: 'The request cannot be understood: {reason}.',
    act: 'The client must send a valid HTTP request.',
    status: 400,
    close: null,
    retry: false,
  }),
  BODY_TOO_LARGE: entry({
    title: 'Body too large',
    detail: 'The body of the request is larger than {bytesMax} bytes.',
    act: 'The client must send less.',
    status: 413,
    close: null,
    retry: false,
  }),
  HOST_NOT_ALLOWED: entry({
    title: 'Host not allowed',
    detail: 'The request is for host "{host}", but only localhost, 127.0.0.0/8 and [::1] are served.',
    act: 'The client must use http://localhost, or the operator starts the server with authentication or --open.',
    status: 403,
    close: null,
    retry: false,
  }),
  ORIGIN_NOT_ALLOWED: entry({
    title: 'Origin not allowed',
    detail: 'The request comes from a page of "{origin}", which is none of the pages that are served.',
    act: 'The operator must add the origin to SYNCLINE_ALLOWED_ORIGINS if its pages are to be served.',
    status: 403,
    close: null,
    retry: false,
  }),
  NOT_FOUND: entry({
    title: 'Not found',
    detail: 'There is nothing at this path over HTTP.',
    act: 'The client must open documents over WebSocket; HTTP has /, /api, /healthz, /readyz and /metrics.',
    status: 404,
    close: null,
    retry: false,
  }),
  METHOD_NOT_ALLOWED: entry({
    title: 'Method not allowed',
    detail: 'The method {method} came, and this path has {allowed}.',
    act: 'The client must use one of these methods.',
    status: 405,
    close: null,
    retry: false,
  }),
  UPGRADE_REQUIRED: entry({
    title: 'WebSocket required',
    detail: 'An upgrade to "{protocol}" was asked for, a WebSocket was expected.',
    act: 'The client must ask for "Upgrade: websocket".',
    status: 426,
    close: null,
    retry: false,
  }),
  TOO_MANY_CONNECTIONS: entry({
    title: 'Too many connections',
    detail: 'This server has {connectionsMax} connections, which is all that it takes.',
    act: 'The client may come back; the operator may raise SYNCLINE_LIMIT_CONNECTIONS.',
    status: 503,
    close: closeCodes.tooMany,
    retry: true,
  }),
  HEAD_TOO_LARGE: entry({
    title: 'Request head too large',
    detail: 'The request line and the headers have more than {bytesMax} bytes.',
    act: 'The client must send less (cookies, a long token); the operator may raise SYNCLINE_LIMIT_HEADER_BYTES.',
    status: 431,
    close: null,
    retry: false,
  }),
  HANDSHAKE_TOO_SLOW: entry({
    title: 'Handshake too slow',
    detail: 'The head of the request did not arrive within {msMax} ms.',
    act: 'The client may come back; the operator may raise SYNCLINE_HANDSHAKE_TIMEOUT_MS.',
    status: 408,
    close: null,
    retry: true,
  }),
}
