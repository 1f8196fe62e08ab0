import {
  documentPath,
  documentQuery,
  freshDocumentName,
  readDocumentAddress,
  socketAddress,
} from '@syncline/client/demo/document-address'
import { documentNameFromPath } from '@syncline/shared/document-name'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const nameBytesMax = 1_024

test('a name survives the way into the address of the page, into the path of the socket, and to the server', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), name => {
      fc.pre(name !== '.' && name !== '..')
      expect(readDocumentAddress(documentQuery(name))).toEqual({ kind: 'named', document: name })
      const { pathname, search } = new URL(`ws://127.0.0.1/${documentPath(name)}`)
      expect(documentNameFromPath(pathname + search, nameBytesMax)).toEqual({ ok: true, name })
    }),
    { numRuns: 300, examples: [['100%'], ['%41'], ['__proto__'], ['a/../b'], ['?#&='], [' ']] },
  )
})

test('an address without a name is unnamed, one with a name that no socket can carry is unusable', () => {
  for (const search of ['', '?', '?document=', '?other=x']) {
    expect(readDocumentAddress(search)).toEqual({ kind: 'unnamed' })
  }
  for (const search of ['?document=.', '?document=%2e%2e', `?document=${'é'.repeat(513)}`]) {
    expect(readDocumentAddress(search).kind).toBe('unusable')
  }
  expect(readDocumentAddress(`?document=${'é'.repeat(512)}`).kind).toBe('named')
})

test('sockets go to the host and into the folder of the page, encrypted as it is', () => {
  for (const [page, socket] of [
    ['http://127.0.0.1:1234/?document=a/b', 'ws://127.0.0.1:1234'],
    ['https://docs.example/?document=x', 'wss://docs.example'],
    ['https://example.org/collab/?document=x', 'wss://example.org/collab'],
    ['https://example.org/teams/collab/index.html', 'wss://example.org/teams/collab'],
  ] as const) {
    expect(socketAddress(new URL(page))).toBe(socket)
  }
})

test('a fresh name is readable, and no two are the same', () => {
  const names = Array.from({ length: 1_000 }, freshDocumentName)
  for (const name of names) expect(name).toMatch(/^[a-z]+-[a-z]+-[2-9a-hjkmnp-z]{8}$/)
  expect(new Set(names).size).toBe(names.length)
})
