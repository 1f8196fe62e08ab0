/**
 * Operators' work over HTTP: `Operations`, as `remote-operations.ts` asks for them. Served on the socket in the data folder
 * and nowhere else (`operator-socket.ts`): whoever may open that socket may do everything.
 *
 *     GET  /documents                            lines: listed …, result
 *     GET  /export?document=NAME&format=FORMAT   the bytes
 *     POST /import?document=NAME    (an update)  lines: progress …, result
 *     POST /replace?document=NAME   (an update)  lines: progress …, result
 *     POST /backup                  {file}       lines: progress …, result
 *     POST /verify                  {document}   lines: finding …, progress …, result
 */
import { isAbsolute } from 'node:path'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { stream } from 'hono/streaming'
import { z } from 'zod'
import { exportFormats } from '../content/export-format.ts'
import { AppError } from '../foundation/errors.ts'
import { problemResponse } from '../http/problem.ts'
import type { Logger } from '../observe/logger.ts'
import type { Operations } from './operations.ts'
import { encodeLine, linesContentType, type OperatorLine } from './operator-lines.ts'
import { tellError } from './told-error.ts'

/** The largest file that can be imported; a document of that size takes minutes to open. */
export const importBytesMax = 512 * 1024 * 1024

const named = z.object({ document: z.string() })
const exported = named.extend({ format: z.enum(exportFormats) })
const backedUp = z.object({ file: z.string().refine(isAbsolute) })
const verified = z.object({ document: z.string().nullable() })

export function createOperatorApp(operations: Operations, logger: Logger): Hono {
  const app = new Hono()
  const takesFile = bodyLimit({
    maxSize: importBytesMax,
    onError: () => {
      throw new AppError('UPDATE_REFUSED', { reason: `it has more than ${importBytesMax} bytes` })
    },
  })
  const file = async (context: Context) => new Uint8Array(await context.req.arrayBuffer())

  app.get('/documents', context =>
    answerLines(context, async say => {
      for await (const listed of operations.list()) await say({ listed })
      return null
    }),
  )
  app.get('/export', async context => {
    const { document, format } = parse(exported, context.req.query())
    const bytes = await operations.export(document, format)
    return context.body(new Uint8Array(bytes), 200, { 'Content-Type': 'application/octet-stream' })
  })
  for (const operation of ['import', 'replace'] as const) {
    app.post(`/${operation}`, takesFile, async context => {
      const { document } = parse(named, context.req.query())
      const update = await file(context)
      return answerLines(context, say =>
        operations[operation](document, update, progress => say.unlessGone({ progress })),
      )
    })
  }
  app.post('/backup', async context => {
    const { file } = parse(backedUp, await context.req.json())
    return answerLines(context, say => operations.backup(file, progress => void say({ progress })))
  })
  app.post('/verify', async context => {
    const { document } = parse(verified, await context.req.json())
    return answerLines(context, say =>
      operations.verify(document, {
        onFinding: finding => say.unlessGone({ finding }),
        onProgress: progress => say.unlessGone({ progress }),
      }),
    )
  })
  app.notFound(() => problemResponse(new AppError('NOT_FOUND', {})))
  app.onError(error => {
    if (error instanceof AppError) return problemResponse(error)
    logger.event('operation failed', { error })
    return problemResponse(new AppError('INTERNAL', {}))
  })
  return app

  /** Says what `work` says, and what becomes of it: an error comes as a line too, since the status has been sent. */
  function answerLines(context: Context, work: (say: Say) => Promise<unknown>): Response {
    context.header('Content-Type', linesContentType)
    const operation = context.req.path.slice(1)
    const document = context.req.query('document')
    return stream(context, async out => {
      const say = Object.assign((line: OperatorLine) => out.write(encodeLine(line)), {
        unlessGone(line: OperatorLine) {
          if (out.aborted) throw new Error('the command that asked for it is gone')
          void say(line)
        },
      })
      try {
        await say({ result: await work(say) })
        logger.event('operation done', { operation, document })
      } catch (error) {
        const told = tellError(error)
        const what = told === null ? { error } : { code: told.code, reason: told.message }
        logger.event('operation failed', { operation, document, ...what })
        await say({ error: told ?? unforeseen })
      }
    })
  }
}

/** `unlessGone` ends the work, by throwing, once nobody waits for it any more. */
type Say = ((line: OperatorLine) => Promise<unknown>) & { unlessGone(line: OperatorLine): void }

const unforeseen = { code: 'INTERNAL', message: 'The server failed; what happened is in its log.' }

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AppError('REQUEST_INVALID', { reason: z.prettifyError(parsed.error) })
}
