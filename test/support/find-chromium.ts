/**
 * Where this machine keeps its Chromium. `playwright-core` brings no browser with it, on purpose.
 */
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

const usualNames = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const usualPlaces = [
  '/usr/lib/chromium/chromium',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The path of an executable browser: CHROMIUM_PATH, or the first usual name on the PATH; undefined if there is none. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = environment.CHROMIUM_PATH
  // A path that was named and is wrong must not quietly become another browser.
  if (given !== undefined && given !== '') return isExecutable(given) ? given : undefined
  const folders = (environment.PATH ?? '').split(path.delimiter).filter(folder => folder !== '')
  const onPath = usualNames.flatMap(name => folders.map(folder => path.join(folder, name)))
  return [...onPath, ...usualPlaces].find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
