/**
 * What a server says of itself over HTTP: one number of `/metrics`.
 */

/** The value of a metric, summed over its labels; with `labels`, of the ones that have them (`task="cut"`). */
export async function scrape(url: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  let sum = 0
  for (const line of text.split('\n')) {
    const [, found, given = '', value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? []
    if (found === name && given.includes(labels)) sum += Number(value)
  }
  return sum
}
