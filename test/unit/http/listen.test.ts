import { createServer } from 'node:http'
import { listen } from '@syncline/server/internal/http/listen'
import { afterEach, expect, test } from 'vitest'

const servers: ReturnType<typeof createServer>[] = []
const fresh = () => {
  const server = createServer((_, response) => response.end('here'))
  servers.push(server)
  return server
}
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

test.each(['127.0.0.1', '::1', 'localhost'])(
  'listens on %s and gives the address to click on',
  async host => {
    const { url, port } = await listen(fresh(), { host, port: 0 })
    expect(port).toBeGreaterThan(0)
    expect(await (await fetch(url)).text()).toBe('here')
  },
)

test('what listens everywhere is reached at an address of this machine', async () => {
  const { url, host, port } = await listen(fresh(), { host: '0.0.0.0', port: 0 })
  expect([host, url]).toEqual(['0.0.0.0', `http://127.0.0.1:${port}`])
  expect((await listen(fresh(), { host: '::', port: 0 })).url).toMatch(/^http:\/\/\[::1\]:\d+$/)
})

test('a port that is taken is named', async () => {
  const { port } = await listen(fresh(), { host: '127.0.0.1', port: 0 })
  await expect(listen(fresh(), { host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: `Port ${port} of 127.0.0.1 is in use by another process.`,
  })
})

test('an address that this machine does not have is named', async () => {
  await expect(listen(fresh(), { host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
    code: 'ADDRESS_UNUSABLE',
    message: 'The server cannot listen on port 0 of 192.0.2.1: this machine does not have that address.',
  })
})
