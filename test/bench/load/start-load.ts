/** The bench's side of the load generator: one process a job, ended at the latest when its time is up. */
import { fork } from 'node:child_process'
import path from 'node:path'
import type { Job } from './load-process.ts'

const loadProcess = path.join(import.meta.dirname, 'load-process.ts')

export async function load<Result>(job: Job, timeoutMs: number): Promise<Result> {
  const child = fork(loadProcess, [], { execArgv: [], env: { ...process.env, NODE_NO_WARNINGS: '1' } })
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const timer = setTimeout(killWithUs, timeoutMs)
  try {
    return await new Promise<Result>((resolve, reject) => {
      child.once('message', (message: { result: Result } | { error: string }) => {
        if ('error' in message) reject(new Error(message.error))
        else resolve(message.result)
      })
      child.once('exit', (code, signal) =>
        reject(new Error(`the load generator ended with ${code ?? signal}`)),
      )
      child.send(job)
    })
  } finally {
    clearTimeout(timer)
    process.off('exit', killWithUs)
    killWithUs()
  }
}
