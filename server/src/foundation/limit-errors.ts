/**
 * The part of the table of errors (`errors.ts`) for those who want more than the limits of connections allow. All of them may come
 * back: none is refused for what it is.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { entry } from './error-entry.ts'

/** 429: too much of one user or address. 503: too much of all together, for which whoever is told cannot do anything. */
const overLimit = <const Detail extends string>(
  title: string,
  detail: Detail,
  act: string,
  status: 429 | 503 = 429,
) => entry({ title, detail, act, status, close: closeCodes.tooMany, retry: true })

export const limitErrors = {
  TOO_MANY_CONNECTIONS_TO_DOCUMENT: overLimit(
    'Too many connections of a user to a document',
    'This user has {connectionsMax} connections to this document, and none of them gives way.',
    'The client should close one and may come back; the operator may raise SYNCLINE_LIMIT_CONNECTIONS_PER_USER_AND_DOCUMENT.',
  ),
  TOO_MANY_CONNECTIONS_OF_USER: overLimit(
    'Too many connections of a user',
    'This user has {connectionsMax} connections, and none of them gives way.',
    'The client should close one and may come back; the operator may raise SYNCLINE_LIMIT_CONNECTIONS_PER_USER.',
  ),
  TOO_MANY_CONNECTIONS_FROM_ADDRESS: overLimit(
    'Too many connections from an address',
    'There are {connectionsMax} connections from this address.',
    'The client may come back; the operator may raise SYNCLINE_LIMIT_CONNECTIONS_PER_ADDRESS, or must name the proxies in front (SYNCLINE_TRUSTED_PROXIES).',
  ),
  TOO_MANY_CONNECTS: overLimit(
    'Too many connects from an address',
    'More than {connectsPerSecondMax} connects per second came from this address.',
    'The client may come back; the operator may raise SYNCLINE_LIMIT_CONNECTS_PER_ADDRESS_AND_SECOND, or must name the proxies in front (SYNCLINE_TRUSTED_PROXIES).',
  ),
  TOO_MANY_WAITING: overLimit(
    'Too many connections that are not authenticated',
    'There are {connectionsMax} connections that have not shown yet who they are.',
    'The client may come back; the operator may raise SYNCLINE_LIMIT_WAITING_CONNECTIONS.',
    503,
  ),
  TOO_MANY_WAITING_FROM_ADDRESS: overLimit(
    'Too many connections from an address that are not authenticated',
    'There are {connectionsMax} connections from this address that have not shown yet who they are.',
    'The client may come back; the operator may raise SYNCLINE_LIMIT_WAITING_CONNECTIONS_PER_ADDRESS, or must name the proxies in front (SYNCLINE_TRUSTED_PROXIES).',
  ),
  TOO_MANY_MESSAGES: overLimit(
    'Too many messages',
    'For {ms} ms, more than {messagesPerSecondMax} messages per second came.',
    'The client must send fewer (many changes in one transaction) and may come back; the operator may raise SYNCLINE_LIMIT_MESSAGES_PER_SECOND.',
  ),
  TOO_MANY_BYTES: overLimit(
    'Too many bytes',
    'For {ms} ms, more than {bytesPerSecondMax} bytes per second came.',
    'The client must send less and may come back; the operator may raise SYNCLINE_LIMIT_BYTES_PER_SECOND.',
  ),
} as const
