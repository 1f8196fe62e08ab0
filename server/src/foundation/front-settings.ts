/**
 * The part of the table of settings (`settings-table.ts`) that says how requests reach the server: under which path, through
 * which proxies, encrypted or not, from whose pages. Who may open what is in `auth-settings.ts`.
 */
import type { z } from 'zod'
import { bytes, KiB, milliseconds, type Setting, setting } from './setting.ts'
import { basePath, listOf, optionalText } from './setting-type.ts'
import { parseSubnet } from './subnet.ts'

export const frontSettings = {
  basePath: setting(
    basePath,
    '',
    'The path under which everything is served, as in `/collab`, for a proxy that passes paths on as they come; empty is `/`.',
  ),
  allowedOrigins: setting(
    listOf('origins like https://example.org', origin => URL.parse(origin)?.origin === origin),
    '',
    'The origins of the only pages that may connect and use `/api`; without authentication those of this machine may, too. If empty, any may that has a token, or with `open` any.',
  ),
  trustedProxies: setting(
    listOf('addresses or networks like 10.0.0.0/8', word => parseSubnet(word) !== null),
    '',
    'The proxies in front, as addresses or networks like `10.0.0.0/8`; what others say of where a request comes from is not believed.',
  ),
  tlsCert: setting(
    optionalText,
    '',
    'A file with the certificate and those that vouch for it (PEM), for HTTPS and WSS without a proxy; read again on SIGHUP or when it changes.',
  ),
  tlsKey: setting(optionalText, '', 'A file with the key of that certificate (PEM, without a passphrase).'),
  limitHeaderBytes: bytes(
    16 * KiB,
    'The largest head of a request, in bytes, path and headers together; a larger one is answered with HTTP 431.',
    4 * KiB,
    256 * KiB,
  ),
  handshakeTimeoutMs: milliseconds(
    10_000,
    'How many milliseconds a client may take for the TLS handshake, and again for the head of a request, before its socket is closed.',
    100,
    5 * 60_000,
  ),
} as const satisfies Record<string, Setting<string> | Setting<number>>

type FrontSettings = {
  readonly [Name in keyof typeof frontSettings]: z.output<(typeof frontSettings)[Name]['type']['schema']>
}

export const frontSettingsRules: readonly {
  readonly setting: keyof FrontSettings
  readonly expected: string
  readonly holds: (settings: FrontSettings) => boolean
}[] = [
  {
    setting: 'tlsKey',
    expected: 'given together with tlsCert, or both left out',
    holds: ({ tlsCert, tlsKey }) => (tlsCert === '') === (tlsKey === ''),
  },
]
