/** Ports for programs that cannot be told to take any free one. */
import { createServer } from 'node:net'

/** Free now; nobody else on this machine takes it in the moment before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer()
  // A Cluster's bus takes the port that is 10,000 higher.
  for (;;) {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise(resolve => server.close(resolve))
    if (port < 55_000) return port
  }
}
