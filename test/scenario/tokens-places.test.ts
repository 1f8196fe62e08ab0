/**
 * How many connections somebody may have to a document, against a real server: those that hang give way to their owner who comes
 * back, those that live do not.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arrive, somePage } from '../support/arrival.ts'
import { liveToken, secretEnv, withToken } from '../support/live-tokens.ts'
import { scrape } from '../support/scrape.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { connectStock } from '../support/stock-client.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitUntil } from '../support/wait-until.ts'

/** As many as one user may have to one document. */
const places = 5
/** Far less than the 90 s after which a silent connection is cut off anyway. */
const backMsMax = 40_000

let server: ServerProcess
beforeAll(async () => {
  server = await startServer({ args: ['--store', 'memory'], env: secretEnv })
})
afterAll(() => server?.[Symbol.asyncDispose]())

const tokenOf = (user: string) => liveToken({ sub: user })
const connections = () => scrape(server.url, 'syncline_connections')
const limitReached = () =>
  scrape(server.url, 'syncline_limits_reached_total', 'limit="limitConnectionsPerUserAndDocument"')
const refusals = () => server.logs.filter(({ msg }) => msg === 'connection refused')

/** One tab for each place, of one person, and all of them in the document. */
async function openTabs(wsUrl: string, document: string, user: string) {
  const params = { token: await tokenOf(user) }
  const tabs = Array.from({ length: places }, () => connectStock(wsUrl, document, { params }))
  await Promise.all(tabs.map(tab => tab.synced(backMsMax)))
  return {
    tabs,
    ends: () => tabs.flatMap(({ ends }) => ends),
    [Symbol.dispose]: () => tabs.forEach(tab => void tab.destroy()),
  }
}

test(`[LIM-1 connections-per-user-and-document] ${places} tabs of somebody whose ${places} old sockets hang come back at once, and none is refused`, {
  timeout: 3 * backMsMax,
}, async () => {
  await using line = await startTcpProxy({ targetPort: server.port })
  using hanging = await openTabs(line.wsUrl, 'hanging', 'ada')
  const before = await connections()
  // The network has changed: nobody told either side.
  line.pause()
  using back = await openTabs(server.wsUrl, 'hanging', 'ada')
  expect(back.ends()).toEqual([])
  expect(refusals()).toEqual([])
  // They took the places of the ones that hang, which are gone.
  await waitUntil('the hanging ones to be gone', async () => (await connections()) === before)
  back.tabs[0]!.doc.getText('text').insert(0, 'here again')
  await waitUntil('the tabs to be told', () =>
    back.tabs.every(({ doc }) => doc.getText('text').toString() === 'here again'),
  )
  expect(hanging.tabs).toHaveLength(places)
})

test.each([
  ['a program', {}],
  ['a page', { origin: somePage }],
])(
  '[LIM-1 connections-per-user-and-document] a sixth tab of somebody whose five live is told so by name: %s',
  async (who, options) => {
    const document = `crowded by ${who}`
    using open = await openTabs(server.wsUrl, document, 'ben')
    const reached = await limitReached()
    const sixth = await arrive(server.wsUrl, withToken(document, await tokenOf('ben')), options)
    expect(sixth).toMatchObject({ told: 'close', code: 4529, frames: 0 })
    expect('reason' in sixth && sixth.reason).toContain('has 5 connections to this document')
    expect(await limitReached()).toBe(reached + 1)
    // Others, and other documents of the same person, have places of their own.
    expect(await arrive(server.wsUrl, withToken(document, await tokenOf('cleo')), options)).toEqual({
      told: 'welcome',
    })
    expect(await arrive(server.wsUrl, withToken('elsewhere', await tokenOf('ben')), options)).toEqual({
      told: 'welcome',
    })
    expect(open.ends()).toEqual([])
    // And a place that was left is free.
    open.tabs[0]!.destroy()
    await waitUntil('a place to be free', async () => {
      const again = await arrive(server.wsUrl, withToken(document, await tokenOf('ben')), options)
      return again.told === 'welcome'
    })
  },
)
