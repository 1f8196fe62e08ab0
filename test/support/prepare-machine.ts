/**
 * Looks, before the tests run, that the machine has what they need and npm cannot bring: Node 24 or newer, a Chromium and Redis. As
 * root on Debian it installs the last two, and what only a few tests want, which are skipped by name without it; elsewhere it says in one
 * line what is missing and how to get it. Quiet when all is there.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findChromium } from './find-chromium.ts'

const nodeMajorMin = 24
const installMsMax = 10 * 60_000

const isRootOnDebian = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

const problem = missingNode() ?? missingChromium() ?? missingRedis()
if (problem !== undefined) {
  console.error(`The tests cannot run: ${problem}`)
  process.exitCode = 1
} else {
  installWhatIsWanted()
}

function missingNode(): string | undefined {
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return undefined
  return `this is Node ${process.versions.node}, and ${nodeMajorMin} or newer is needed. On Linux npm ci brings it and npm test finds it; elsewhere install it from https://nodejs.org.`
}

function missingChromium(): string | undefined {
  if (findChromium() !== undefined) return undefined
  const given = process.env.CHROMIUM_PATH
  if (given !== undefined && given !== '')
    return `CHROMIUM_PATH is ${given}, which is not an executable file.`
  const byHand = 'Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH to a Chromium or Chrome.'
  if (!isRootOnDebian) return `no Chromium was found. ${byHand}`
  console.log('No Chromium was found: installing it with apt-get.')
  const failed = aptGet('update') ?? aptGet('install', '-y', '--no-install-recommends', 'chromium')
  if (failed !== undefined) return `no Chromium was found, and ${failed}. ${byHand}`
  return findChromium() === undefined
    ? `apt-get installed chromium, but none is on the PATH. ${byHand}`
    : undefined
}

function missingRedis(): string | undefined {
  const programs = ['redis-server', 'redis-sentinel']
  const missing = () => programs.filter(program => spawnSync(program, ['--version']).status !== 0)
  const [first] = missing()
  if (first === undefined) return undefined
  const byHand = `Install it (Debian: apt-get install ${programs.join(' ')}).`
  if (!isRootOnDebian) return `no ${first} was found. ${byHand}`
  console.log(`No ${first} was found: installing it with apt-get.`)
  const failed = aptGet('update') ?? aptGet('install', '-y', '--no-install-recommends', ...programs)
  if (failed !== undefined) return `no ${first} was found, and ${failed}. ${byHand}`
  const [still] = missing()
  return still === undefined ? undefined : `apt-get installed it, but no ${still} is on the PATH. ${byHand}`
}

function installWhatIsWanted(): void {
  const wanted = ['nginx', 'docker-compose'].filter(program => spawnSync(program, ['-v']).error !== undefined)
  if (wanted.length === 0 || !isRootOnDebian) return
  console.log(`Installing with apt-get: ${wanted.join(', ')}.`)
  const failed = aptGet('update') ?? aptGet('install', '-y', '--no-install-recommends', ...wanted)
  if (failed !== undefined) console.log(`The tests with ${wanted.join(' or ')} are skipped: ${failed}.`)
}

/** Undefined when all went well, or what went wrong. What apt-get prints is shown only then. */
function aptGet(...command: string[]): string | undefined {
  const { status, error, stdout, stderr } = spawnSync('/usr/bin/apt-get', ['-q', ...command], {
    encoding: 'utf8',
    timeout: installMsMax,
    // In runlevel 1 Debian starts no service that it installs: tests start their own.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  })
  if (status === 0) return undefined
  console.error(stdout, stderr)
  return `apt-get ${command[0]} failed (${error?.message ?? `exit code ${status}`})`
}
