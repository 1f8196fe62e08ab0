/**
 * Brings the other servers, once: they are no part of the repository's own installation. No install script runs; what
 * needs a binary brings it in its package. Without a registry the bench goes on with what is there.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'

const here = import.meta.dirname
const installMsMax = 300_000

/** Null, or why not everything could be installed. */
export function installPeers(): string | null {
  const lock = path.join(here, 'package-lock.json')
  const installed = path.join(here, 'node_modules/.package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return null
  console.log('installing the other servers (test/bench)')
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: here,
    env: Object.fromEntries(environment),
    encoding: 'utf8',
    timeout: installMsMax,
  })
  if (status === 0) return null
  return stderr?.split('\n').find(line => /error/i.test(line)) ?? `npm ci ended with ${status}`
}
