import { WaitingRoom } from '@syncline/server/internal/connection/waiting-room'
import { settingsWith } from '@syncline/server/internal/foundation/settings'
import { describe, expect, test } from 'vitest'

const from = (counted: string) => ({ address: counted, counted, isLocal: false })
const thisMachine = { address: '127.0.0.1', counted: '127.0.0.1', isLocal: true }
const small = { connectionsMax: 4, perAddressMax: 2 }

describe('those who have not shown who they are', () => {
  test('[LIM-1 waiting-connections] are refused beyond the limit for all of them, this machine included', () => {
    const room = new WaitingRoom(small)
    expect(['a', 'b', 'c'].every(address => room.enter(from(address)).ok)).toBe(true)
    const last = room.enter(thisMachine)
    expect(last.ok).toBe(true)
    for (const address of [thisMachine, from('d')]) {
      expect(room.enter(address)).toMatchObject({
        ok: false,
        limit: 'limitWaitingConnections',
        refusal: { code: 'TOO_MANY_WAITING', entry: { status: 503, close: { code: 4529 } } },
      })
    }
    if (last.ok) last.release()
    expect(room.enter(from('d')).ok).toBe(true)
  })

  test('[LIM-1 waiting-connections-per-address] are refused beyond the limit for their address, others are not', () => {
    const room = new WaitingRoom(small)
    const [first] = [room.enter(from('a')), room.enter(from('a'))]
    expect(room.enter(from('a'))).toMatchObject({
      ok: false,
      limit: 'limitWaitingConnectionsPerAddress',
      refusal: { code: 'TOO_MANY_WAITING_FROM_ADDRESS', entry: { status: 429, close: { code: 4529 } } },
    })
    expect(room.enter(from('b')).ok).toBe(true)
    if (first?.ok) first.release()
    expect(room.enter(from('a')).ok).toBe(true)
  })

  test('[LIM-1 waiting-connections-per-address] are not counted by address on this machine', () => {
    const room = new WaitingRoom(small)
    for (let come = 0; come < small.connectionsMax; come++) expect(room.enter(thisMachine).ok).toBe(true)
  })

  test('[LIM-1 waiting-connections-per-address] from an office that comes back at once are all let in', () => {
    const { limitWaitingConnections, limitWaitingConnectionsPerAddress } = settingsWith()
    const room = new WaitingRoom({
      connectionsMax: limitWaitingConnections,
      perAddressMax: limitWaitingConnectionsPerAddress,
    })
    // 1,500 a second, each of whom needs half a second for it.
    for (let come = 0; come < 750; come++) expect(room.enter(from('office')).ok).toBe(true)
  })

  test('leave once, however often it is said', () => {
    const room = new WaitingRoom(small)
    const entered = [room.enter(from('a')), room.enter(from('a')), room.enter(thisMachine)]
    const [first] = entered
    for (let time = 0; time < 3; time++) if (first?.ok) first.release()
    expect(room.waiting).toBe(2)
    for (const one of entered) if (one.ok) one.release()
    expect(room.waiting).toBe(0)
  })
})
