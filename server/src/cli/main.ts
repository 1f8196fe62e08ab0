/**
 * Where the process begins: `syncline <command>`.
 */
import process from 'node:process'
import { runCommand } from './commands.ts'
import { openStore } from './operate.ts'
import { serve } from './serve.ts'

const stderr = (text: string) => void process.stderr.write(text)

const exitCode = await runCommand(process.argv.slice(2), {
  environment: process.env,
  stdout: text => void process.stdout.write(text),
  stderr,
  isTerminal: { stdout: process.stdout.isTTY === true, stderr: process.stderr.isTTY === true },
  serve: settings => serve(settings, stderr),
  openStore,
})
// Whatever is still open must not keep a server alive that has said goodbye.
process.exit(exitCode)
