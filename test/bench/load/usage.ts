/**
 * What a process has used, read from outside, all its threads together: the measured server runs no line of ours. Linux
 * only. Time comes from the scheduler's own account of each thread, in nanoseconds; where a thread has ended between two
 * looks, from that of the whole process, which counts in hundredths of a second.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface Usage {
  readonly atMs: number
  readonly processSeconds: number
  /** Of all processes and the kernel, on all cores. */
  readonly machineSeconds: number
  readonly threadSeconds: ReadonlyMap<string, number>
}

/** Clock ticks per second in /proc: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

export function usageOf(pid: number): Usage {
  const threadSeconds = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const [ranNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')
      threadSeconds.set(thread, Number(ranNs) / 1e9)
    } catch {
      // A thread that ended meanwhile: the process's own account has its time.
    }
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // Behind the name, which may hold spaces: state is field 3, utime field 14, stime field 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const processSeconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  return {
    atMs: performance.timeOrigin + performance.now(),
    processSeconds,
    machineSeconds: machineSeconds(),
    threadSeconds,
  }
}

function machineSeconds(): number {
  // user, nice, system, idle, iowait, irq, softirq
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'latin1')
    .slice('cpu '.length, 200)
    .trim()
    .split(/\s+/)
    .map(Number)
  return (user! + nice! + system! + irq! + softirq!) / ticksPerSecond
}

/** Seconds of processor time between two looks. */
export function secondsBetween(before: Usage, after: Usage): number {
  const isWhole = [...before.threadSeconds.keys()].every(thread => after.threadSeconds.has(thread))
  if (!isWhole) return after.processSeconds - before.processSeconds
  let seconds = 0
  for (const [thread, now] of after.threadSeconds) seconds += now - (before.threadSeconds.get(thread) ?? 0)
  return seconds
}

/** Of that, the main thread's: its event loop is what everybody waits for. */
export function mainSecondsBetween(pid: number, before: Usage, after: Usage): number {
  const main = String(pid)
  return (after.threadSeconds.get(main) ?? 0) - (before.threadSeconds.get(main) ?? 0)
}

export interface Memory {
  readonly rssMB: number
  /** The most since the process began. */
  readonly peakMB: number
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { rssMB: field('VmRSS'), peakMB: field('VmHWM') }
}

/** Whether a process still holds the server's end of the connection from `clientPort`, whatever the client has noticed. */
export function isHeldByServer(serverPort: number, clientPort: number): boolean {
  const hex = (port: number) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const server = hex(serverPort)
  const client = hex(clientPort)
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[1] === server && fields[2] === client) return fields[9] !== '0'
  }
  return false
}
