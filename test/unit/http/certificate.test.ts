import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type Certificate,
  readCertificate,
  watchCertificate,
} from '@syncline/server/internal/http/certificate'
import type { EventFields, Logger } from '@syncline/server/internal/observe/logger'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TestClock } from '../../support/room-clock.ts'

/** Two certificates for localhost, each with its key: `localhost-a.pem` and `localhost-a.key.pem`. */
const fixtures = path.resolve(import.meta.dirname, '../../fixtures/tls')

let folder: string
let files: { tlsCert: string; tlsKey: string }
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'syncline-tls-'))
  files = { tlsCert: path.join(folder, 'cert.pem'), tlsKey: path.join(folder, 'key.pem') }
  await put('a')
})
afterEach(() => rm(folder, { recursive: true }))

async function put(which: 'a' | 'b', parts: readonly ('cert' | 'key')[] = ['cert', 'key']): Promise<void> {
  if (parts.includes('cert')) await copyFile(path.join(fixtures, `localhost-${which}.pem`), files.tlsCert)
  if (parts.includes('key')) await copyFile(path.join(fixtures, `localhost-${which}.key.pem`), files.tlsKey)
}

describe('a certificate and its key', () => {
  test('are read, with the end of the certificate', () => {
    const read = readCertificate(files)
    expect(read?.cert).toContain('BEGIN CERTIFICATE')
    expect(read?.validUntil.getUTCFullYear()).toBe(2126)
  })

  test('are none where none is set', () => {
    expect(readCertificate({ tlsCert: '', tlsKey: '' })).toBeNull()
  })

  test('that do not belong together are refused', async () => {
    await put('b', ['key'])
    expect(() => readCertificate(files)).toThrow(/^tlsKey .*key\.pem cannot be used: it is not the key of/)
  })

  test('that are no such files are refused, and the file is named', async () => {
    await rm(files.tlsKey)
    expect(() => readCertificate(files)).toThrow(
      `tlsKey ${files.tlsKey} cannot be used: there is no such file.`,
    )
    await writeFile(files.tlsKey, 'a passphrase')
    expect(() => readCertificate(files)).toThrow('it holds no key in PEM, or a passphrase is needed')
    await writeFile(files.tlsCert, 'nothing')
    expect(() => readCertificate(files)).toThrow('it holds no certificate in PEM')
  })
})

describe('a certificate that is renewed', () => {
  let clock: TestClock
  let used: Certificate[]
  let told: { readonly name: string; readonly fields: EventFields | undefined }[]
  let look: () => void
  beforeEach(() => {
    clock = new TestClock()
    used = []
    told = []
    const logger: Logger = { event: (name, fields) => told.push({ name, fields }), flush() {} }
    const first = readCertificate(files)
    if (first === null) throw new Error('no certificate')
    look = watchCertificate(files, first, { clock, logger, use: certificate => used.push(certificate) })
  })
  const names = () => told.map(({ name }) => name)

  test('is used within ten seconds, and only once', async () => {
    clock.advance(60_000)
    expect(used).toEqual([])
    await put('b')
    clock.advance(10_000)
    expect(used.map(({ cert }) => cert)).toEqual([readCertificate(files)?.cert])
    clock.advance(60_000)
    expect(used).toHaveLength(1)
    expect(names()).toEqual(['certificate read', 'certificate read'])
  })

  test('is used at once when somebody says so', async () => {
    await put('b')
    look()
    expect(used).toHaveLength(1)
  })

  test('is left alone while its key is still the old one, which is told once', async () => {
    await put('b', ['cert'])
    clock.advance(60_000)
    expect(used).toEqual([])
    expect(names()).toEqual(['certificate read', 'certificate not read'])
    await put('b', ['key'])
    clock.advance(10_000)
    expect(used).toHaveLength(1)
    await rm(files.tlsCert)
    clock.advance(20_000)
    expect(names().slice(2)).toEqual(['certificate read', 'certificate not read'])
  })

  test('and has ended is used, and named in a warning', () => {
    const past = { ...readCertificate(files)!, validUntil: new Date(clock.now() - 1) }
    const lines: string[] = []
    const logger: Logger = { event: name => lines.push(name), flush() {} }
    watchCertificate(files, past, { clock, logger, use() {} })
    expect(lines).toEqual(['certificate outdated'])
  })
})
