/**
 * The load generator's process: takes one job, does it, tells the result and ends. It shares no event loop, and where
 * there are two cores no core, with what it measures.
 */
import { type CrowdJob, runCrowd } from './crowd-load.ts'
import {
  type CaptureJob,
  capture,
  type FillJob,
  fill,
  type ProbeJob,
  probe,
  type StormJob,
  storm,
} from './join-load.ts'
import { type ResidentJob, resident } from './resident-load.ts'
import { type StoppedReaderJob, stoppedReader } from './stopped-reader-load.ts'

export type Job = CrowdJob | FillJob | CaptureJob | StormJob | ProbeJob | ResidentJob | StoppedReaderJob

function run(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'crowd':
      return runCrowd(job)
    case 'fill':
      return fill(job)
    case 'capture':
      return capture(job)
    case 'storm':
      return storm(job)
    case 'probe':
      return probe(job)
    case 'resident':
      return resident(job)
    case 'stopped-reader':
      return stoppedReader(job)
  }
}

process.once('message', async message => {
  try {
    process.send!({ result: await run(message as Job) }, () => process.exit(0))
  } catch (error) {
    process.send!({ error: error instanceof Error ? error.stack : String(error) }, () => process.exit(1))
  }
})
