/**
 * The part of the table of errors (`errors.ts`) that says why somebody is not let in: one code for each check that can fail.
 *
 * None of them repeats the token, or what stands in it: they are logged, and told to whoever presented it.
 */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { entry, startError } from './error-entry.ts'

/** The token does not let anybody in, now or ever: a stock client that came back with it would come for ever. */
const notAuthenticated = <const Detail extends string>(
  title: string,
  detail: Detail,
  act = 'The client must get another token from the application.',
) => entry({ title, detail, act, status: 401, close: closeCodes.notAuthenticated, retry: false })

/** Nobody could say whether the token is good. */
const cannotTell = <const Detail extends string>(title: string, detail: Detail, act: string) =>
  entry({ title, detail, act, status: 503, close: closeCodes.overload, retry: true })

export const authErrors = {
  TOKEN_MISSING: notAuthenticated(
    'No token',
    'A token is needed, and none came.',
    'The client must bring one: ?token=, Authorization: Bearer, or the subprotocol syncline-token.<token>.',
  ),
  TOKEN_AMBIGUOUS: notAuthenticated(
    'Several tokens',
    'Different tokens came in {places}, and only one counts.',
    'The client must bring one token.',
  ),
  TOKEN_MALFORMED: notAuthenticated('Malformed token', 'The token cannot be read: {reason}.'),
  TOKEN_EXPIRED: notAuthenticated('Token expired', 'The token was valid until {until}.'),
  TOKEN_NOT_YET_VALID: notAuthenticated('Token not yet valid', 'The token is valid from {from} on.'),
  TOKEN_SIGNATURE_WRONG: notAuthenticated(
    'Wrong signature',
    'The token was not signed with the key that this server knows.',
    'The operator must see that application and server have keys that belong together.',
  ),
  TOKEN_ALGORITHM_NOT_ALLOWED: notAuthenticated(
    'Algorithm not allowed',
    'The token is signed with another algorithm than the key of this server allows: {allowed}.',
    'Whoever makes the tokens must sign them with one of these.',
  ),
  TOKEN_KEY_UNKNOWN: notAuthenticated(
    'Unknown key',
    'The token names a key (kid) that is not among those at authJwksUrl, or that cannot be used.',
    'The operator must see that authJwksUrl has the keys that the application signs with.',
  ),
  TOKEN_ISSUER_WRONG: notAuthenticated(
    'Wrong issuer',
    'The issuer (iss) of the token is not the one that this server expects.',
    'The operator must see that authIssuer is what the application writes.',
  ),
  TOKEN_AUDIENCE_WRONG: notAuthenticated(
    'Wrong audience',
    'The audience (aud) of the token does not include this server.',
    'The operator must see that authAudience is what the application writes.',
  ),
  TOKEN_CLAIMS_INVALID: notAuthenticated(
    'Invalid claims',
    'What the token says cannot be used: {reason}.',
    'Whoever makes the tokens must correct the claims.',
  ),
  GRANT_REVOKED: notAuthenticated('Revoked', 'What the token allowed has been revoked.'),
  CALLBACK_REFUSED: notAuthenticated(
    'Refused by the application',
    'The application was asked, and does not know who this is.',
    'The client must sign in with the application.',
  ),
  DOCUMENT_NOT_GRANTED: entry({
    title: 'Document not granted',
    detail: 'The token is valid, and does not cover this document.',
    act: 'The client must get a token for this document from the application.',
    status: 403,
    close: closeCodes.notAllowed,
    retry: false,
  }),
  ADMIN_NEEDED: entry({
    title: 'Not an admin',
    detail: 'The token is valid, and does not make its user an admin of what this concerns.',
    act: 'Whoever calls must use a token with the access admin: to the document that is named, or to *.',
    status: 403,
    close: null,
    retry: false,
  }),
  REVOCATION_INVALID: entry({
    title: 'Invalid revocation',
    detail: 'The body is no revocation: {reason}.',
    act: 'Whoever calls must send what docs/api.md says.',
    status: 422,
    close: null,
    retry: false,
  }),
  NOTHING_TO_REVOKE: entry({
    title: 'Nothing to revoke',
    detail: 'This server asks nobody who they are, so there are no tokens to revoke.',
    act: 'The operator must set up authentication (SYNCLINE_AUTH_SECRET for instance).',
    status: 409,
    close: null,
    retry: false,
  }),
  KEYS_UNAVAILABLE: cannotTell(
    'Keys unavailable',
    'Tokens cannot be checked: {reason}.',
    'The client may come back; the operator must see that authJwksUrl can be reached.',
  ),
  CALLBACK_FAILED: cannotTell(
    'Application not reached',
    'The application could not be asked who this is: {reason}.',
    'The client may come back; the operator must see that the application answers.',
  ),
  REVOCATIONS_UNAVAILABLE: cannotTell(
    'Revocations unavailable',
    'It is not known what has been revoked: {reason}.',
    'The client may come back; the operator must see that Redis can be reached.',
  ),
  REVOCATIONS_FULL: entry({
    title: 'Too many revocations',
    detail: 'There are {revocationsMax} revocations that have not ended, which is all that is kept.',
    act: 'The operator must raise SYNCLINE_LIMIT_REVOCATIONS, or give tokens a shorter life.',
    status: 409,
    close: null,
    retry: false,
  }),
  AUTH_KEY_UNUSABLE: startError(
    'Key not usable',
    'The file {file} of authPublicKeyFile cannot be used: {reason}.',
    'Whoever starts the server must name a file with one public key, as PEM (BEGIN PUBLIC KEY) or as a JWK.',
  ),
  // The store tells the details itself (`StoreOpenError`).
  REVOCATIONS_DAMAGED: startError(
    'Revocations damaged',
    'The file of revocations in the data folder is not as it was written.',
    'The operator must restore the file, or move it away, which lets in everybody it named whose token has not ended.',
  ),
  TOKEN_NOT_MADE: startError(
    'No token made',
    'No token can be made: {reason}.',
    'Whoever calls the command must correct it, or get a token from the application.',
  ),
} as const
