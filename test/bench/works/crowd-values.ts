/** The columns of works in which a crowd types or moves cursors. */
import type { CrowdResult } from '../load/crowd-load.ts'
import type { Column, Values } from './work.ts'

export const crowdColumns: readonly Column[] = [
  { key: 'delivered', title: 'delivered/s', digits: 0 },
  { key: 'share', title: 'arrived', digits: 3 },
  { key: 'p50', title: 'p50 ms', digits: 2 },
  { key: 'p99', title: 'p99 ms', digits: 2 },
  { key: 'cpuDelivery', title: 'server µs/delivery', digits: 3, ratioTo: 'ws-relay' },
  { key: 'cpuEdit', title: 'server µs/edit', digits: 0, ratioTo: 'ws-relay' },
  { key: 'cores', title: 'server cores', digits: 3 },
  { key: 'mainCores', title: 'of them main thread', digits: 3 },
  { key: 'frames', title: 'frames/s', digits: 0 },
  { key: 'rss', title: 'RSS MB', digits: 0 },
  { key: 'loadCores', title: 'generator cores', digits: 2 },
  { key: 'otherCores', title: 'other work, cores', digits: 2 },
]

export function crowdValues(result: CrowdResult): Values {
  return {
    delivered: result.deliveredPerSecond,
    share: result.deliveredShare,
    p50: result.p50,
    p99: result.p99,
    cpuDelivery: result.serverMicrosPerDelivery,
    cpuEdit: result.serverMicrosPerEdit,
    cores: result.serverCores,
    mainCores: result.mainThreadCores,
    frames: result.framesPerSecond,
    rss: result.rssMB,
    loadCores: result.loadCores,
    otherCores: result.otherCores,
  }
}
