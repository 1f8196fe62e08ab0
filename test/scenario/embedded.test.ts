/**
 * A server inside of an application's own: the application says who may do what, and a server that does not start leaves nothing behind.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createServer, type Server, type ServerOptions } from '@syncline/server'
import { silentLogger } from '@syncline/server/internal/observe/logger'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { arrive, somePage } from '../support/arrival.ts'
import { secret } from '../support/auth-stage.ts'
import { docs, liveToken, withToken } from '../support/live-tokens.ts'

let data: string
beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'syncline-test-'))
})
afterEach(() => rm(data, { recursive: true }))

const embed = ({ settings, ...options }: ServerOptions = {}): Promise<Server> =>
  createServer({ settings: { data, demo: false, ...settings }, logger: silentLogger, ...options })

interface Mounted extends AsyncDisposable {
  readonly url: string
  readonly wsUrl: string
}

async function mount(server: Server): Promise<Mounted> {
  const http: HttpServer = createHttpServer(server.requestListener).on('upgrade', server.upgradeHandler)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const at = `127.0.0.1:${(http.address() as AddressInfo).port}`
  return {
    url: `http://${at}`,
    wsUrl: `ws://${at}`,
    async [Symbol.asyncDispose]() {
      await server.close()
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
    },
  }
}

test('[AUTH-1] a function of the application says who may open what, and is told what came with the request', async () => {
  const questions: unknown[] = []
  await using mounted = await mount(
    await embed({
      settings: { authCallbackHeaders: 'cookie', authCallbackCookieOrigins: somePage },
      authenticate: async question => {
        questions.push(question)
        return question.token === 'ticket' ? { sub: 'ada', docs: docs('read', 'team/*') } : null
      },
    }),
  )
  const headers = { origin: somePage, cookie: 'session=1' }
  expect(await arrive(mounted.wsUrl, withToken('team/plan', 'ticket'), { headers })).toEqual({
    told: 'welcome',
  })
  expect(questions).toMatchObject([
    { document: 'team/plan', token: 'ticket', origin: somePage, headers: { cookie: 'session=1' } },
  ])
  expect(await arrive(mounted.wsUrl, withToken('other', 'ticket'))).toMatchObject({
    told: 'close',
    code: 4403,
  })
  expect(await arrive(mounted.wsUrl, withToken('team/plan', 'forged'))).toMatchObject({
    status: 401,
    code: 'CALLBACK_REFUSED',
  })
  const whoami = await fetch(`${mounted.url}/api/whoami?document=team/plan&token=ticket`)
  expect(await whoami.json()).toMatchObject({ user: { id: 'ada' }, access: 'read', document: 'team/plan' })
})

test('where the application decides, requests may come for any host, without --open', async () => {
  await using mounted = await mount(await embed({ authenticate: async () => null }))
  const headers = { host: 'docs.example.org' }
  expect(await arrive(mounted.wsUrl, withToken('plan', 'forged'), { headers })).toMatchObject({
    code: 'CALLBACK_REFUSED',
  })
})

test.each<readonly [string, () => Promise<ServerOptions>, string]>([
  [
    'a key that cannot be used',
    async () => ({ settings: { authPublicKeyFile: '/nowhere/key.pem' } }),
    'AUTH_KEY_UNUSABLE',
  ],
  [
    'two that decide',
    async () => ({ settings: { authSecret: secret }, authenticate: async () => null }),
    'SETTING_INVALID',
  ],
  [
    'a damaged list of revocations',
    async () => {
      await writeFile(path.join(data, 'revocations.json'), 'damaged')
      return { settings: { authSecret: secret } }
    },
    'REVOCATIONS_DAMAGED',
  ],
])('a server that does not start for %s lets its folder go', async (_, wrong, code) => {
  await expect(embed(await wrong())).rejects.toMatchObject({ code })
  await rm(path.join(data, 'revocations.json'), { force: true })
  await using mounted = await mount(await embed({ settings: { authSecret: secret } }))
  const token = await liveToken()
  expect(await arrive(mounted.wsUrl, withToken('plan', token))).toEqual({ told: 'welcome' })
})
