/**
 * How a measured process tells the bench where it listens: one line of JSON on stdout. Syncline's own log line of that has
 * the same field.
 */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export function sayPort(http: Server): void {
  console.log(JSON.stringify({ port: (http.address() as AddressInfo).port }))
}
