/**
 * Asks the server of a container whether it lives, for `HEALTHCHECK` in the Dockerfile; the exit code is 0 or 1. Port, base path and TLS
 * it finds in the environment, as the server does; flags of the server it cannot know.
 */
import { get } from 'node:http'
import { get as getHttps } from 'node:https'
import { environmentName, type SettingName, settingOf } from '../foundation/settings-table.ts'

const answerMsMax = 4_000

/** An empty variable counts as not set, and whether the value is right the server has said. */
const settingText = (name: SettingName) => process.env[environmentName(name)] || settingOf(name).default

const target = {
  host: '127.0.0.1',
  port: Number(settingText('port')),
  path: `${settingText('basePath')}/healthz`,
  timeout: answerMsMax,
  // It asks itself, by an address that its certificate does not name.
  rejectUnauthorized: false,
}
process.exitCode = 1
const request = (settingText('tlsCert') === '' ? get : getHttps)(target, response => {
  response.resume()
  if (response.statusCode === 200) process.exitCode = 0
})
request.on('timeout', () => request.destroy()).on('error', () => {})
