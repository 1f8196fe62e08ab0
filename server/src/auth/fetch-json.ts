/**
 * Asks another server for JSON, and takes no more of it than was expected. When to give up is the caller's signal.
 */

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** It could not be asked, or its answer is no use; the message is one clause and names neither the URL nor what was sent. */
export class FetchFailure extends Error {
  override name = 'FetchFailure'
}

/** The status, and the body of a 200 as JSON; other bodies are not read. Rejects with a `FetchFailure`. */
export async function fetchJson(
  fetch: Fetch,
  url: string,
  { bytesMax, ...init }: RequestInit & { readonly bytesMax: number },
): Promise<{ readonly status: number; readonly body: unknown }> {
  let response: Response
  try {
    // Wherever a redirect leads, nobody configured it.
    response = await fetch(url, { ...init, redirect: 'manual' })
  } catch (cause) {
    throw new FetchFailure(`it cannot be reached (${reasonOf(cause)})`, { cause })
  }
  const { status } = response
  if (status !== 200) {
    await response.body?.cancel()
    return { status, body: null }
  }
  return { status, body: parseJson(await readBody(response, bytesMax)) }
}

async function readBody(response: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    // Leaving the loop early cancels the rest.
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > bytesMax) break
      chunks.push(chunk)
    }
  } catch (cause) {
    throw new FetchFailure(`its answer was cut short (${reasonOf(cause)})`, { cause })
  }
  if (bytes > bytesMax) throw new FetchFailure(`its answer has more than ${bytesMax} bytes`)
  return Buffer.concat(chunks)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new FetchFailure('its answer is not JSON')
  }
}

/** `fetch` says "fetch failed", and why only in the cause: `ECONNREFUSED` and the like. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as Error
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : name
}
