/** What a token makes of what a client says about its user, field by field. */
import { vouchedState } from '@syncline/server/internal/room/vouched-presence'
import { describe, expect, test } from 'vitest'

const ada = { user: { id: 'u1', name: 'Ada', color: '#30bced' } }
const bare = { user: { id: 'u1', name: null, color: null } }
const nobody = { user: null }

const vouched = (state: unknown, identity: Parameters<typeof vouchedState>[1] = ada) =>
  vouchedText(JSON.stringify(state), identity)
const vouchedText = (json: string, identity: Parameters<typeof vouchedState>[1] = ada) =>
  vouchedState(json, identity, 1_000)

describe('[AUTH-3] a token that names its user', () => {
  test('says id, name and colour, whatever the client says', () => {
    const forged = { user: { id: 'u2', name: 'Bob', color: 'red' }, cursor: 3 }
    expect(vouched(forged)).toBe('{"user":{"id":"u1","name":"Ada","color":"#30bced"},"cursor":3}')
  })

  test('says them also where the client says nothing', () => {
    expect(vouched({})).toBe('{"user":{"id":"u1","name":"Ada","color":"#30bced"}}')
    expect(vouched({ user: {} })).toBe('{"user":{"id":"u1","name":"Ada","color":"#30bced"}}')
  })

  test('without a name has its id shown, since the name that a client chose could be of another', () => {
    expect(vouched({ user: { name: 'Bob' } }, bare)).toBe('{"user":{"name":"u1","id":"u1"}}')
  })

  test('without a colour leaves the client its own, if it is one', () => {
    expect(vouched({ user: { color: 'teal' } }, bare)).toBe('{"user":{"color":"teal","id":"u1","name":"u1"}}')
    for (const color of ['red;background:url(//evil.example)', 7, null, { r: 1 }])
      expect(vouched({ user: { color } }, bare)).toBe('{"user":{"id":"u1","name":"u1"}}')
  })
})

describe('[AUTH-3] a token that names nobody', () => {
  test('leaves no id and no name', () => {
    const forged = { user: { id: 'u2', name: 'Bob', color: 'red', role: 'guest' }, cursor: 3 }
    expect(vouched(forged, nobody)).toBe('{"user":{"color":"red","role":"guest"},"cursor":3}')
  })

  test('adds no user to a state without one, and leaves none that is no object', () => {
    expect(vouched({ cursor: 3 }, nobody)).toBe('{"cursor":3}')
    for (const user of ['Bob', 1, null, ['Bob'], true])
      expect(vouched({ user, cursor: 3 }, nobody)).toBe('{"cursor":3}')
  })
})

describe('what is no user', () => {
  test('is replaced where one is expected', () => {
    for (const user of ['Bob', 1, null, [{ name: 'Bob' }], true])
      expect(vouched({ user, cursor: 3 }, bare)).toBe('{"user":{"id":"u1","name":"u1"},"cursor":3}')
  })

  test('is replaced where a whole state is none that clients can read', () => {
    for (const state of ['Bob', 1, ['Bob'], [{ user: { name: 'Bob' } }], true]) {
      expect(vouched(state, bare)).toBe('{"user":{"id":"u1","name":"u1"}}')
      expect(vouched(state, nobody)).toBe('{}')
    }
  })
})

describe('everything else', () => {
  test('stays as it was, in its order, numbers and other fields of the user included', () => {
    const state = {
      z: [1.5, -0.1, 1e21, 5e-324, 9007199254740991],
      user: { avatar: 'a.png', name: 'Bob', clearance: { level: 9 } },
      a: { nested: [{ user: { name: 'not ours' } }, null, 'Ä\u2028\ud800'] },
    }
    const expected = { ...state, user: { ...state.user, name: 'Ada', id: 'u1', color: '#30bced' } }
    expect(vouched(state)).toBe(JSON.stringify(expected))
  })

  test('called constructor is a field like any other, and __proto__ beside a user reaches nobody', () => {
    const json =
      '{"__proto__":{"user":{"name":"Bob"}},"user":{"__proto__":{"name":"Bob"},"constructor":1},"constructor":{"__proto__":1}}'
    expect(vouchedText(json, bare)).toBe(
      '{"user":{"constructor":1,"id":"u1","name":"u1"},"constructor":{"__proto__":1}}',
    )
    expect(vouchedText(json, nobody)).toBe('{"user":{"constructor":1},"constructor":{"__proto__":1}}')
    const copied = Object.assign({}, JSON.parse(vouchedText(json, nobody)!))
    expect(copied.user.name).toBe(undefined)
    expect(Object.hasOwn(Object.prototype, 'user')).toBe(false)
  })

  test('that is said twice counts as clients read it: the last, and only once', () => {
    const json = '{"user":{"name":"Bob"},"us\\u0065r":{"n\\u0061me":"Bob","name":"Bob"},"user":{"role":1}}'
    expect(vouchedText(json, bare)).toBe('{"user":{"role":1,"id":"u1","name":"u1"}}')
  })
})

test('a state that would be larger than is allowed, as numbers can become, is none', () => {
  const growing = `{"n":[${'1e20,'.repeat(50)}0]}`
  expect(growing.length).toBeLessThan(300)
  expect(vouchedText(growing)).toBe(null)
  const user = '"user":{"id":"u1","name":"u1"}'
  const fill = (length: number) => `{"x":"${'ä'.repeat(length)}"}`
  const around = `{"x":"",${user}}`.length
  const most = Math.floor((1_000 - around) / 2)
  expect(vouchedText(fill(most), bare)).toHaveLength(around + most)
  expect(vouchedText(fill(most + 1), bare)).toBe(null)
})
