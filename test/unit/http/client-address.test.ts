import { clientAddressReader } from '@syncline/server/internal/http/client-address'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const proxies = '127.0.0.1, 10.0.0.0/8, fd00::/8'

function read(remoteAddress: string | undefined, headers: Record<string, string> = {}, trusted = proxies) {
  return clientAddressReader(trusted)({ headers, socket: { remoteAddress } })
}
const xff = (value: string) => ({ 'x-forwarded-for': value })

describe('without a proxy', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:0DB8:0:0:0:0:0:6', '2001:db8::6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80:0:0:0::/64'],
    ['::', '::', '0:0:0:0::/64'],
    [undefined, 'unknown', 'unknown'],
    ['/run/some.sock', 'unknown', 'unknown'],
  ])('the socket of %s is %s, counted as %s', (remote, address, counted) => {
    expect(read(remote, {}, '')).toEqual({ address, counted, isLocal: false })
  })

  test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('%s is this machine', remote => {
    expect(read(remote, {}, '').isLocal).toBe(true)
  })

  test.each(['forwarded', 'x-forwarded-for', 'x-real-ip', 'x-forwarded-host', 'via'])(
    'who sends %s is not, and is not believed either',
    header => {
      for (const value of ['1.2.3.4', 'for=1.2.3.4', '']) {
        expect(read('127.0.0.1', { [header]: value }, '')).toMatchObject({
          address: '127.0.0.1',
          isLocal: false,
        })
        expect(read('203.0.113.7', { [header]: value })).toMatchObject({
          address: '203.0.113.7',
          isLocal: false,
        })
      }
    },
  )
})

describe('behind trusted proxies', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['1.2.3.4, 203.0.113.7', '203.0.113.7'],
    ['1.2.3.4,203.0.113.7 , 10.1.1.1', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, fd00::5', '203.0.113.7'],
    // Nobody but proxies: the first of them is the client.
    ['10.9.9.9, 10.1.1.1', '10.9.9.9'],
    // What cannot be read hides who was before.
    ['203.0.113.7, unknown, 10.1.1.1', '10.1.1.1'],
    ['203.0.113.7, , 10.1.1.1', '10.1.1.1'],
    ['unknown', '10.0.0.1'],
    ['999.1.1.1', '10.0.0.1'],
    ['0x7f.1', '10.0.0.1'],
    ['', '10.0.0.1'],
  ])('X-Forwarded-For: %s means %s', (header, address) => {
    expect(read('10.0.0.1', xff(header))).toMatchObject({ address, isLocal: false })
  })

  test.each([
    ['for=203.0.113.7', '203.0.113.7'],
    ['For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for=1.2.3.4, for=203.0.113.7;proto=https;by=10.0.0.1', '203.0.113.7'],
    ['proto=https; FOR = 203.0.113.7', '203.0.113.7'],
    ['for=203.0.113.7, for=10.1.1.1', '203.0.113.7'],
    ['for=_hidden', '10.0.0.1'],
    ['proto=https', '10.0.0.1'],
    ['for=', '10.0.0.1'],
  ])('Forwarded: %s means %s', (header, address) => {
    expect(read('10.0.0.1', { forwarded: header })).toMatchObject({ address, isLocal: false })
  })

  test('two headers that differ are not believed, since the proxy wrote only one of them', () => {
    const both = (value: string) => ({ 'x-forwarded-for': '203.0.113.7', forwarded: value })
    expect(read('10.0.0.1', both('for=1.2.3.4')).address).toBe('10.0.0.1')
    expect(read('10.0.0.1', both('for=203.0.113.7')).address).toBe('203.0.113.7')
  })

  test('a program on this machine that comes through the proxy is not exempt', () => {
    expect(read('127.0.0.1', xff('127.0.0.1'))).toMatchObject({ address: '127.0.0.1', isLocal: false })
  })

  test('a chain that is too long ends somewhere', () => {
    const long = Array.from({ length: 5_000 }, () => '10.0.0.9').join(',')
    expect(read('10.0.0.1', xff(`203.0.113.7,${long}`)).address).toBe('10.0.0.9')
  })

  test('whatever a client puts before what the proxy adds changes nothing', () => {
    const forged = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('10.0.0.3', '127.0.0.1', 'unknown', '"', '[', 'for='),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(forged, { maxLength: 5 }), parts => {
        const { address, isLocal } = read('10.0.0.1', xff([...parts, '203.0.113.7'].join(', ')))
        expect([address, isLocal]).toEqual(['203.0.113.7', false])
      }),
    )
  })
})
