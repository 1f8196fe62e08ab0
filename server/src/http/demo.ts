/**
 * Serves the demo editor as `npm run build` left it: a page, and files whose names hold a hash of their content.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { serveStatic } from '@hono/node-server/serve-static'
import type { MiddlewareHandler } from 'hono'
import { AppError } from '../foundation/errors.ts'
import { problemResponse } from './problem.ts'

/** Everything in `assets` has its hash in its name, so what was fetched once is right for ever. */
const caching = (requested: string) =>
  requested.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'

/** Answers with a file of the folder, and leaves what is none to the next. A folder that is built later is found then. */
export function serveDemo(folder: string): MiddlewareHandler {
  let serve: MiddlewareHandler | null = null
  return async (context, next) => {
    if (serve === null && existsSync(path.join(folder, 'index.html'))) {
      serve = serveStatic({ root: folder })
    }
    if (serve !== null) {
      const answer = await serve(context, next)
      // Where a file is none it is what the next one gives, which may be anything.
      if (answer instanceof Response) answer.headers.set('Cache-Control', caching(context.req.path))
      return answer
    }
    if (context.req.path === '/') return problemResponse(new AppError('DEMO_NOT_BUILT', {}))
    return next()
  }
}
