/**
 * The certificate and the key for HTTPS: read and checked at start, and read again while the server runs, since certificates are renewed
 * every few weeks. A renewed one that cannot be used changes nothing but the log: people stay connected by the one that is there.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../foundation/clock.ts'
import { AppError } from '../foundation/errors.ts'
import type { Settings } from '../foundation/settings-table.ts'
import type { Logger } from '../observe/logger.ts'

export interface Certificate {
  readonly cert: string
  readonly key: string
  readonly validUntil: Date
}

/** How often the files are looked at. By content: what renews them often changes links, which no watching of files reports. */
const lookIntervalMs = 10_000

type CertificateFiles = Pick<Settings, 'tlsCert' | 'tlsKey'>

/** Null where none is set. Throws `TLS_UNUSABLE` for files that cannot be read or do not belong together. */
export function readCertificate({ tlsCert, tlsKey }: CertificateFiles): Certificate | null {
  if (tlsCert === '') return null
  const cert = readPem('tlsCert', tlsCert)
  const key = readPem('tlsKey', tlsKey)
  const unusable = (setting: string, reason: string) => new AppError('TLS_UNUSABLE', { setting, reason })
  const first = parsed(() => new X509Certificate(cert))
  if (first === null) throw unusable(`tlsCert ${tlsCert}`, 'it holds no certificate in PEM')
  const privateKey = parsed(() => createPrivateKey(key))
  if (privateKey === null)
    throw unusable(`tlsKey ${tlsKey}`, 'it holds no key in PEM, or a passphrase is needed')
  if (!first.checkPrivateKey(privateKey)) {
    throw unusable(`tlsKey ${tlsKey}`, `it is not the key of the first certificate in ${tlsCert}`)
  }
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    // What else OpenSSL demands: the strength of the key, the rest of the chain.
    throw unusable(`tlsCert ${tlsCert}`, error instanceof Error ? error.message : String(error))
  }
  return { cert, key, validUntil: first.validToDate }
}

/**
 * Hands each changed certificate to the server, as long as the process lives; the returned function looks at once. A failure is logged
 * once, not each time that the files are looked at.
 */
export function watchCertificate(
  files: CertificateFiles,
  first: Certificate,
  { clock, logger, use }: { clock: Clock; logger: Logger; use: (certificate: Certificate) => void },
): () => void {
  let [current, failure] = [first, '']
  logRead(first)

  function look(): void {
    try {
      const next = readCertificate(files)
      if (next !== null && (next.cert !== current.cert || next.key !== current.key)) {
        use(next)
        current = next
        logRead(next)
      }
      failure = ''
    } catch (error) {
      // For a moment in a renewal the certificate is new and the key is not.
      if (String(error) !== failure) logger.event('certificate not read', { error })
      failure = String(error)
    }
  }

  function logRead({ validUntil }: Certificate): void {
    const isOutdated = validUntil.getTime() <= clock.now()
    logger.event(isOutdated ? 'certificate outdated' : 'certificate read', { validUntil })
  }

  clock.every(lookIntervalMs, look)
  return look
}

function readPem(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'this user may not read it' : message
    throw new AppError('TLS_UNUSABLE', { setting: `${setting} ${file}`, reason }, { cause })
  }
}

function parsed<Value>(parse: () => Value): Value | null {
  try {
    return parse()
  } catch {
    return null
  }
}
