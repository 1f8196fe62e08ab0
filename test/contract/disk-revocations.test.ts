import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@syncline/server/internal/foundation/clock'
import { openDiskRevocations } from '@syncline/server/internal/store/disk-revocations'
import { StoreOpenError } from '@syncline/server/internal/store/store-open-error'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TestClock } from '../support/room-clock.ts'
import { makeRevocation, revocationsSuite } from './revocations.suite.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-revocations-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = () => openDiskRevocations({ folder, clock: systemClock })

revocationsSuite({
  name: 'revocations on the disk',
  async open() {
    let list = open()
    return {
      list,
      async reopen() {
        await list.close()
        list = open()
        return list
      },
      remove: () => list.close(),
    }
  },
})

describe('the file of revocations', () => {
  const file = () => join(folder, 'revocations.json')

  test('is not made before there is one, and is for its owner alone', async () => {
    const list = open()
    expect(readdirSync(folder)).toEqual([])
    await list.add(makeRevocation())
    expect(readdirSync(folder)).toEqual(['revocations.json'])
    expect(statSync(file()).mode & 0o777).toBe(0o600)
  })

  test('has on the disk what was answered for, without being closed', async () => {
    const all = [makeRevocation(), makeRevocation({ user: 'u2' })]
    const list = open()
    for (const one of all) {
      await list.add(one)
      expect(await open().load()).toContainEqual(one)
    }
  })

  test('loses what has ended when it is written', async () => {
    const clock = new TestClock()
    const list = openDiskRevocations({ folder, clock })
    const one = makeRevocation({ sinceMs: clock.now(), untilMs: clock.now() + 1_000 })
    await list.add(one)
    clock.advance(1_000)
    const other = makeRevocation({ user: 'u2', sinceMs: clock.now(), untilMs: clock.now() + 1_000 })
    await list.add(other)
    expect(await open().load()).toEqual([other])
  })

  test('of which a write was cut short is what it was before', async () => {
    const one = makeRevocation()
    await open().add(one)
    writeFileSync(`${file()}.partial`, '{"format":1,"checks')
    expect(await open().load()).toEqual([one])
  })

  const code = () => {
    try {
      open()
      return 'opened'
    } catch (error) {
      return error instanceof StoreOpenError ? error.code : error
    }
  }

  test('is refused when any of its bytes is another', async () => {
    await open().add(makeRevocation({ user: 'mallory', document: 'doc' }))
    const good = readFileSync(file())
    let refused = 0
    for (let i = 0; i < good.length - 1; i++) {
      const bad = Buffer.from(good)
      bad[i]! ^= 1
      writeFileSync(file(), bad)
      // A changed format may be a newer one, which is refused too.
      if (['REVOCATIONS_DAMAGED', 'STORE_FORMAT_NEWER'].includes(String(code()))) refused++
    }
    expect(refused).toBe(good.length - 1)
  })

  test.each([
    '',
    '{}',
    '[]',
    'null',
    '{"format":1,"checksum":223132457,"revocations":[]',
    '{"format":1,"revocations":[]}',
  ])('is refused as %j', text => {
    writeFileSync(file(), text)
    expect(code()).toBe('REVOCATIONS_DAMAGED')
  })

  test('is refused cut short, at any length', async () => {
    await open().add(makeRevocation())
    const good = readFileSync(file(), 'utf8').trimEnd()
    for (let length = 0; length < good.length; length++) {
      writeFileSync(file(), good.slice(0, length))
      expect(code()).toBe('REVOCATIONS_DAMAGED')
    }
  })

  test('of a newer version is refused, and left as it is', () => {
    const newer = '{"format":2,"whatever":[]}'
    writeFileSync(file(), newer)
    expect(code()).toBe('STORE_FORMAT_NEWER')
    expect(readFileSync(file(), 'utf8')).toBe(newer)
  })

  test('of format 1 as it was released is read', async () => {
    writeFileSync(
      file(),
      '{"format":1,"checksum":3699669687,"revocations":[{"user":"u1","token":null,"document":"doc","access":"read","sinceMs":1,"untilMs":2}]}\n',
    )
    expect(await open().load()).toEqual([
      { user: 'u1', token: null, document: 'doc', access: 'read', sinceMs: 1, untilMs: 2 },
    ])
  })

  test('that cannot be written is no success, and has it once it can', async () => {
    const list = open()
    const [one, other] = [makeRevocation(), makeRevocation({ user: 'u2' })]
    rmSync(folder, { recursive: true })
    await expect(list.add(one)).rejects.toThrow('ENOENT')
    mkdirSync(folder)
    await list.add(other)
    expect(await open().load()).toEqual([one, other])
  })
})
