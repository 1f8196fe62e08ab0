import { readContent } from '@syncline/server/internal/content/read-content'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

function exported(doc: Y.Doc, format: 'json' | 'text'): string {
  const read = readContent({ pieces: [Y.encodeStateAsUpdate(doc)], entries: [], format })
  if (!read.ok) throw new Error(read.reason)
  return textOf(read.bytes)
}

function paragraph(text: string, ...children: Y.XmlElement[]): Y.XmlElement {
  const element = new Y.XmlElement('paragraph')
  element.insert(0, [new Y.XmlText(text), ...children])
  return element
}

function everyKind(): Y.Doc {
  const doc = new Y.Doc()
  const text = doc.getText('text')
  text.insert(0, 'plain bold')
  text.format(6, 4, { bold: true })
  const map = doc.getMap('map')
  map.set('title', 'A title')
  map.set('nested', new Y.Map([['number', 1]]))
  map.set('bytes', new Uint8Array([1, 2, 3]))
  map.set('big', 2n ** 60n)
  map.set('sub', new Y.Doc({ guid: 'sub-guid' }))
  doc.getArray('list').insert(0, [1, 'two', new Y.Text('three'), null])
  const item = new Y.XmlElement('item')
  item.setAttribute('level', '2')
  item.insert(0, [paragraph('in a list', new Y.XmlElement('break'))])
  doc.getXmlFragment('page').insert(0, [paragraph('first'), item])
  doc.getText('emptied').insert(0, 'x')
  doc.getText('emptied').delete(0, 1)
  return doc
}

describe('an exported document', () => {
  test('as JSON has each root with the kind that can be read off it', () => {
    expect(JSON.parse(exported(everyKind(), 'json'))).toEqual({
      emptied: { kind: 'empty', value: null },
      list: { kind: 'array', value: [1, 'two', 'three', null] },
      map: {
        kind: 'map',
        value: {
          title: 'A title',
          nested: { number: 1 },
          bytes: { base64: 'AQID' },
          big: { bigint: String(2n ** 60n) },
          sub: { subdocument: 'sub-guid' },
        },
      },
      page: {
        kind: 'xml',
        value: [
          { element: 'paragraph', attributes: {}, children: [{ text: [{ insert: 'first' }] }] },
          {
            element: 'item',
            attributes: { level: '2' },
            children: [
              {
                element: 'paragraph',
                attributes: {},
                children: [
                  { text: [{ insert: 'in a list' }] },
                  { element: 'break', attributes: {}, children: [] },
                ],
              },
            ],
          },
        ],
      },
      text: {
        kind: 'text',
        value: [{ insert: 'plain ' }, { insert: 'bold', attributes: { bold: true } }],
      },
    })
  })

  test('as text has a line for each block and each string', () => {
    expect(exported(everyKind(), 'text').split('\n')).toEqual([
      'two',
      'three',
      'A title',
      'first',
      'in a list',
      'plain bold',
      '',
    ])
  })

  test('may have a root of any name', () => {
    const doc = new Y.Doc()
    doc.getText('__proto__').insert(0, 'odd')
    expect(exported(doc, 'json')).toContain('"__proto__"')
    expect(exported(new Y.Doc(), 'json')).toBe('{}\n')
    expect(exported(new Y.Doc(), 'text')).toBe('')
  })

  test('as an update is all of base and log, also what waits behind a gap', () => {
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (const word of ['one', 'two', 'three']) doc.getArray('list').push([word])
    const [first, , third] = updates
    const entries = [{ seq: 2, update: third! }]
    const read = readContent({ pieces: [first!], entries, format: 'update' })
    if (!read.ok) throw new Error(read.reason)
    const copy = new Y.Doc()
    Y.applyUpdate(copy, read.bytes)
    expect(copy.getArray('list').toArray()).toEqual(['one'])
    Y.applyUpdate(copy, updates[1]!)
    expect(copy.getArray('list').toArray()).toEqual(['one', 'two', 'three'])
  })

  test('that Yjs cannot load is refused with the place at which it failed', () => {
    const stored = { pieces: [], entries: [{ seq: 7, update: new Uint8Array([1, 1, 1, 0, 4, 255]) }] }
    expect(readContent({ ...stored, format: 'update' })).toMatchObject({ ok: false, place: 'entry 7' })
  })
})
