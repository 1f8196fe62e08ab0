import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { admission } from '@syncline/server/internal/http/admission'
import { describe, expect, test } from 'vitest'

const closed = admission(settingsWith())
const verdict = (host: string | undefined, origin?: string) => {
  const headers = { ...(host === undefined ? {} : { host }), ...(origin === undefined ? {} : { origin }) }
  return closed(headers)?.code ?? 'taken'
}

describe('without --open', () => {
  test.each([
    'localhost',
    'localhost:1234',
    'LocalHost:80',
    '127.0.0.1',
    '127.0.0.1:65535',
    '127.255.1.9:1',
    '[::1]',
    '[::1]:1234',
    '[0:0:0:0:0:0:0:1]:1234',
  ])('a request for host %s is taken', host => {
    expect(verdict(host)).toBe('taken')
    expect(verdict(host, `http://${host}`)).toBe('taken')
  })

  test.each([
    undefined,
    '',
    ':1234',
    'example.org',
    'localhost.example.org:1234',
    'example.org:1234',
    '127.0.0.1.nip.io',
    '127.0.0.1.',
    '128.0.0.1',
    '192.168.0.4:1234',
    '0.0.0.0:1234',
    '[::]:1234',
    '[::2]',
    '[::ffff:127.0.0.1]',
    '::1',
    'localhost:1234:1',
    'localhost@example.org',
    'example.org@localhost',
    'localhost/x',
    'localhost localhost',
    'localhost, example.org',
  ])('a request for host %j is refused', host => {
    expect(verdict(host)).toBe('HOST_NOT_ALLOWED')
    expect(verdict(host, 'http://localhost:1234')).toBe('HOST_NOT_ALLOWED')
  })

  test.each([
    'http://localhost:1234',
    'http://localhost',
    'https://localhost:5173',
    'http://127.0.0.1:9',
    'http://127.1.2.3',
    'http://[::1]:1234',
  ])('a page of %s is taken', origin => {
    expect(verdict('localhost:1234', origin)).toBe('taken')
  })

  test.each([
    '',
    'null',
    'https://example.org',
    'http://localhost.example.org',
    'http://127.0.0.1.nip.io',
    'http://192.168.0.4:1234',
    'http://localhost@example.org',
    'http://example.org#http://localhost',
    'http://example.org/http://localhost',
    'file://',
    'chrome-extension://abcdef',
    'capacitor://localhost',
    'http://',
    'http://%',
  ])('a page of %j is refused', origin => {
    expect(verdict('localhost:1234', origin)).toBe('ORIGIN_NOT_ALLOWED')
  })

  test('a refusal shows what came, shortened', () => {
    expect(closed({ host: 'x'.repeat(10_000) })?.message.length).toBeLessThan(400)
    expect(closed({ host: 'evil.example' })?.message).toContain('"evil.example"')
  })
})

test('with --open everybody is taken', () => {
  for (const headers of [
    {},
    { host: 'example.org' },
    { host: 'example.org', origin: 'https://elsewhere.org' },
  ]) {
    expect(admission(settingsWith({ open: true }))(headers)).toBeNull()
  }
})

describe('with authentication', () => {
  const authSecret = 's'.repeat(32)

  test('any host and any page are taken: without a token nothing is shown to them', () => {
    const admit = admission(settingsWith({ authSecret }))
    expect(admit({ host: 'docs.example', origin: 'https://elsewhere.example' })).toBeNull()
  })

  test('only the pages that are listed are taken where some are, this server’s own included', () => {
    const allowedOrigins = 'https://app.example, http://localhost:5173'
    const admit = admission(settingsWith({ authSecret, allowedOrigins }))
    for (const origin of [undefined, 'https://app.example', 'https://APP.example', 'http://localhost:5173']) {
      expect(admit({ host: 'docs.example', ...(origin === undefined ? {} : { origin }) })).toBeNull()
    }
    for (const origin of [
      'https://docs.example',
      'http://app.example',
      'https://app.example:8443',
      'https://app.example.evil.example',
      'https://xapp.example',
      'http://localhost:1234',
      'null',
      '',
    ]) {
      expect(admit({ host: 'docs.example', origin })?.code).toBe('ORIGIN_NOT_ALLOWED')
    }
  })
})

test('a page that is listed may use a server on this machine, under the name of this machine alone', () => {
  const admit = admission(settingsWith({ allowedOrigins: 'https://app.example' }))
  expect(admit({ host: 'localhost:1234', origin: 'https://app.example' })).toBeNull()
  expect(admit({ host: 'localhost:1234', origin: 'http://localhost:5173' })).toBeNull()
  expect(admit({ host: 'app.example', origin: 'https://app.example' })?.code).toBe('HOST_NOT_ALLOWED')
  expect(admit({ host: 'localhost:1234', origin: 'https://evil.example' })?.code).toBe('ORIGIN_NOT_ALLOWED')
})
