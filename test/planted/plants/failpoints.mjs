/**
 * Brings the failpoints of a server to life: comments in the store's sources (`// failpoint: base-swapped`), and the beginning
 * of each task of a worker thread (`worker-buildBase`). Which one does what, and at which passage, stands in the file that
 * `FAILPOINT_FILE` names, as `NAME ACTION PASSAGE`; without that file they do nothing. `test/support/failpoints.ts` writes it.
 *
 * Actions: `kill` ends the process by SIGKILL, `exit` ends the thread, `throw` throws, `hold` waits until the file is gone.
 */
import { readFileSync, unlinkSync, writeSync } from 'node:fs'
import { changeSource, replaceSource } from './replace-source.mjs'

const stderr = 2
const holdPollMs = 5
const file = process.env.FAILPOINT_FILE
if (file === undefined) throw new Error('plant failpoints: FAILPOINT_FILE is not set')
const passages = new Map()
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const sleep = ms => Atomics.wait(sleeper, 0, 0, ms)

globalThis.failpoint = name => {
  const armed = readArmed()
  if (armed === null || armed.name !== name) return
  const passage = (passages.get(armed.text) ?? 0) + 1
  passages.set(armed.text, passage)
  if (passage < armed.passage) return
  passages.delete(armed.text)
  writeSync(stderr, `failpoint ${name} ${armed.action}\n`)
  if (armed.action === 'hold') {
    while (readArmed()?.text === armed.text) sleep(holdPollMs)
    return
  }
  try {
    unlinkSync(file)
  } catch {
    return // Another thread was here first.
  }
  if (armed.action === 'throw') throw new Error(`failpoint ${name}`)
  if (armed.action === 'exit') process.exit(1)
  process.kill(process.pid, 'SIGKILL')
  // Nothing may happen between the signal and the end.
  sleep(60_000)
}

function readArmed() {
  try {
    const text = readFileSync(file, 'utf8').trim()
    const [name, action, passage] = text.split(' ')
    return passage === undefined ? null : { text, name, action, passage: Number(passage) }
  } catch {
    return null
  }
}

const comments = /^\s*\/\/ failpoint: ([a-z-]+)$/gm
const stores = ['disk-append', 'disk-base', 'disk-chores', 'disk-recent', 'disk-replacement', 'redis-replace']
for (const name of stores) {
  changeSource('failpoints', `server/src/store/${name}.ts`, source =>
    source.replace(comments, (_, failpoint) => `globalThis.failpoint('${failpoint}');`),
  )
}

const worker =
  'export default function run({ task, argument }: { task: keyof Tasks; argument: never }): unknown {'
replaceSource('failpoints', 'server/src/compaction/compaction-worker.ts', [
  [worker, `${worker}\n  globalThis.failpoint(\`worker-\${task}\`)`],
])
