/**
 * What a server says of itself over HTTP: one number of `/metrics`.
 */

/** The value of a metric, summed over its labels; with `labels`, of the ones that have them (`task="cut"`). */
export async function scrape(url: string, name: string, labels = ''): Promise<number> {
  return sumOf(await (await fetch(`${url}/metrics`)).text(), name, labels)
}

/** The same of a text that has been read. */
export function sumOf(metrics: string, name: string, labels = ''): number {
  let sum = 0
  for (const line of metrics.split('\n')) {
    const [, found, given = '', value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? []
    if (found === name && given.includes(labels)) sum += Number(value)
  }
  return sum
}
