/**
 * Everything that is served over plain HTTP: the demo, health, readiness, metrics and `/api`; all else is a problem. Nothing but
 * `/api` names a document: documents are opened over WebSocket, which `connection/upgrade.ts` takes.
 *
 * It makes a request listener and does not listen, so that it can be mounted in somebody else's server.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server'
import { Hono } from 'hono'
import { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type AdmissionSettings, admission } from './admission.ts'
import { belowBasePath } from './base-path.ts'
import { allowListedOrigins } from './cors.ts'
import { serveDemo } from './demo.ts'
import { problemResponse, writeProblem } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

export interface Readiness {
  readonly ready: boolean
  /** `detail` is one sentence for an operator. It is shown to everybody: it must not name a document. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[]
}

export interface HttpOptions {
  readonly settings: AdmissionSettings & Pick<Settings, 'basePath' | 'authCallbackCookieOrigins'>
  readonly readiness: () => Readiness
  readonly metrics: Metrics
  readonly logger: Logger
  /** Where the built demo is; null serves none. */
  readonly demoFolder: string | null
  /** What is below `/api`. The requests that it is handed have Node's own beside them. */
  readonly api: Hono<{ Bindings: HttpBindings }>
}

export interface Http {
  readonly requestListener: (incoming: IncomingMessage, outgoing: ServerResponse) => void
}

export function createHttp(options: HttpOptions): Http {
  const { settings, metrics, logger } = options
  const { basePath } = settings
  const admit = admission(settings)
  const failed = (error: unknown): Response => {
    if (error instanceof RequestError) {
      return problemResponse(new AppError('REQUEST_INVALID', { reason: error.message }))
    }
    logger.event('request failed', { error })
    return problemResponse(new AppError('INTERNAL', {}))
  }
  const answer = getRequestListener(routes(options, failed).fetch, {
    errorHandler: failed,
    // A program that embeds the server keeps its own `Request` and `Response`.
    overrideGlobalObjects: false,
  })
  return {
    requestListener(incoming, outgoing) {
      outgoing.once('finish', () => metrics.httpRequests.inc({ status: outgoing.statusCode }))
      for (const [name, value] of Object.entries(securityHeaders(incoming.headers.host))) {
        outgoing.setHeader(name, value)
      }
      const withBody = incoming.method !== 'HEAD'
      const refusal = admit(incoming.headers)
      if (refusal !== null) return writeProblem(outgoing, refusal, { withBody })
      const target = belowBasePath(incoming.url ?? '/', basePath)
      if (target === null) return writeProblem(outgoing, new AppError('NOT_FOUND', {}), { withBody })
      if (basePath !== '' && !target.startsWith('/')) {
        // What the page loads is named from its folder, and the slash makes it one.
        outgoing.writeHead(308, { Location: `${basePath}/${target}`, 'Content-Length': 0 }).end()
        return
      }
      incoming.url = target
      void answer(incoming, outgoing)
    },
  }
}

function routes(
  { settings, readiness, metrics, demoFolder, api }: HttpOptions,
  failed: (error: unknown) => Response,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use('/api/*', allowListedOrigins(settings))
  app.route('/api', api)
  // HEAD is answered like GET, without the body; hono sees to that.
  app.get('/healthz', context => context.json({ ok: true }, 200, fresh))
  app.get('/readyz', context => {
    const state = readiness()
    return context.json(state, state.ready ? 200 : 503, fresh)
  })
  app.get('/metrics', async context =>
    context.body(await metrics.registry.metrics(), 200, {
      ...fresh,
      'Content-Type': metrics.registry.contentType,
    }),
  )
  if (demoFolder !== null) app.get('*', serveDemo(demoFolder))
  for (const path of ['/healthz', '/readyz', '/metrics', ...(demoFolder === null ? [] : ['/'])]) {
    app.all(path, ({ req }) =>
      problemResponse(new AppError('METHOD_NOT_ALLOWED', { method: req.method, allowed: 'GET, HEAD' })),
    )
  }
  app.notFound(() => problemResponse(new AppError('NOT_FOUND', {})))
  app.onError(failed)
  return app
}

const fresh = { 'Cache-Control': 'no-store' }
