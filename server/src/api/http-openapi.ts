/**
 * `/api/openapi.json`: what can be asked below `/api` and what is answered, for programs that write clients (OpenAPI 3.1). Its schemas
 * are those that read and make the bodies.
 */
import { z } from 'zod'
import { problemAnswer, revocationAnswer, revocationsAnswer, whoamiAnswer } from './http-answers.ts'
import { revocationOrder } from './revocation-order.ts'

export function openApiOf(basePath: string) {
  return {
    openapi: '3.1.0',
    info: { title: 'Syncline', version: '1', description: 'Explained in docs/api.md.' },
    servers: [{ url: `${basePath}/api` }],
    security: [{ bearer: [] }, { query: [] }, {}],
    paths: {
      '/whoami': {
        get: {
          operationId: 'whoami',
          summary:
            'Who a token makes somebody, and what they may do with a document; or why they would be refused.',
          parameters: [inQuery('document', 'Its name. Without one it is about the server as a whole.')],
          responses: { 200: answer('Who it is, and what they may do.', whoamiAnswer), ...refusals() },
        },
      },
      '/revocations': {
        get: {
          operationId: 'listRevocations',
          summary: 'What is revoked, for admins of everything, or of the document that is named.',
          parameters: [
            inQuery('document', 'Only those that name this document.'),
            inQuery('user', 'Only those that name this user.'),
          ],
          responses: { 200: answer('What is revoked and has not ended.', revocationsAnswer), ...refusals() },
        },
        post: {
          operationId: 'revoke',
          summary:
            'Takes back what tokens allow, for admins of everything, or of the document that is named.',
          requestBody: {
            required: true,
            content: { 'application/json': { schema: bodyOf(revocationOrder) } },
          },
          responses: {
            201: answer('It is durable, and counts at every instance within five seconds.', revocationAnswer),
            413: problem('The body is too large.'),
            409: problem('There are too many, or nobody is asked who they are: nothing was done.'),
            422: problem('The body is no revocation.'),
            ...refusals('; or it counts at this instance and is not known to be saved'),
          },
        },
      },
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        query: { type: 'apiKey', in: 'query', name: 'token' },
      },
    },
  }
}

function refusals(orElse = '') {
  return {
    401: problem('No token, or one that does not hold.'),
    403: problem('The token does not cover this.'),
    503: problem(`The token cannot be checked at the moment${orElse}.`),
  }
}

function inQuery(name: string, description: string) {
  return { name, in: 'query', required: false, description, schema: { type: 'string' } }
}

function answer(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema: bodyOf(schema) } } }
}

function problem(description: string) {
  return { description, content: { 'application/problem+json': { schema: bodyOf(problemAnswer) } } }
}

/** The dialect is that of OpenAPI 3.1, and need not be named each time. */
function bodyOf(schema: z.ZodType) {
  const { $schema, ...body } = z.toJSONSchema(schema, { io: 'input' })
  return body
}
