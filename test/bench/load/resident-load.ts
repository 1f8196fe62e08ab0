/**
 * Many documents open at once, one client in each, and the memory of the server: with empty documents, once they are
 * filled, and in a server that was started anew and opened them.
 */
import { setTimeout } from 'node:timers/promises'
import { readAll } from './documents.ts'
import type { FramingName } from './framing.ts'
import { memoryOf } from './usage.ts'
import { Visitor } from './visitor.ts'

export interface ResidentJob {
  readonly kind: 'resident'
  readonly port: number
  readonly pid: number
  readonly framing: FramingName
  readonly rooms: number
  /** What each document gets; null where they are there already. */
  readonly updatesFile: string | null
  readonly bytesMin: number
  readonly settleMs: number
}

export interface ResidentResult {
  /** Everybody connected, nothing written. Where the documents are there already: once all have them. */
  readonly openMB: number
  readonly filledMB: number | null
  readonly peakMB: number
  readonly openSeconds: number
  readonly fillSeconds: number | null
}

const connectsAtOnce = 32
const fillsAtOnce = 8

export async function resident(job: ResidentJob): Promise<ResidentResult> {
  const { port, pid, framing, rooms, updatesFile, settleMs } = job
  const visitors = Array.from({ length: rooms }, (_, i) => new Visitor(`document-${i}`, framing))
  const openedMs = performance.now()
  await eachOf(visitors, connectsAtOnce, async visitor => {
    await visitor.connect(port)
    visitor.open()
    await visitor.whenSynced(1, updatesFile === null ? job.bytesMin : 0)
  })
  const openSeconds = (performance.now() - openedMs) / 1000
  await setTimeout(settleMs)
  const openMB = memoryOf(pid).rssMB
  if (updatesFile === null) {
    return { openMB, filledMB: null, peakMB: memoryOf(pid).peakMB, openSeconds, fillSeconds: null }
  }

  const updates = readAll(updatesFile)
  const filledMs = performance.now()
  await eachOf(visitors, fillsAtOnce, async visitor => {
    await visitor.write(updates)
    visitor.askAgain()
    await visitor.whenSynced(2)
  })
  const fillSeconds = (performance.now() - filledMs) / 1000
  await setTimeout(settleMs)
  return { openMB, filledMB: memoryOf(pid).rssMB, peakMB: memoryOf(pid).peakMB, openSeconds, fillSeconds }
}

async function eachOf<Item>(
  items: readonly Item[],
  atOnce: number,
  visit: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  const some = async () => {
    while (next < items.length) await visit(items[next++]!)
  }
  await Promise.all(Array.from({ length: atOnce }, some))
}
