/**
 * The plot of the page: small panels of bars, one for each figure that people compare, drawn as SVG by hand. Bars that
 * differ by more than what a line can show are on a logarithmic scale, and say so.
 */
import { median, roundsOf, type WorkResults } from '../results.ts'
import type { Measured, Work } from '../works/work.ts'
import { short, titleOf } from './tables.ts'

interface Panel {
  readonly letter: string
  readonly title: string
  readonly key: string
  readonly scale: 'linear' | 'log'
  /** Where not all variants of the work are of interest. */
  readonly variants?: readonly string[]
  readonly suffix?: string
}

const panels: readonly Panel[] = [
  {
    letter: 'a',
    title: 'Server µs per delivered edit, by writers',
    key: 'cpuDelivery',
    scale: 'log',
    variants: ['10', '100', '480'],
  },
  { letter: 'a', title: 'p99 ms, by writers', key: 'p99', scale: 'log', variants: ['10', '100', '480'] },
  {
    letter: 'a',
    title: 'Most deliveries per second at p99 ≤ 250 ms',
    key: 'delivered',
    scale: 'linear',
    variants: ['most'],
  },
  {
    letter: 'b',
    title: 'Rooms of three: server µs per edit',
    key: 'cpuEdit',
    scale: 'linear',
    suffix: ' rooms',
  },
  { letter: 'b', title: 'Rooms of three: p99 ms', key: 'p99', scale: 'log', suffix: ' rooms' },
  { letter: 'c', title: '200 joins at once: ms until all have joined', key: 'all', scale: 'linear' },
  { letter: 'c', title: '200 joins at once: p99 ms in another room', key: 'probeP99', scale: 'log' },
  { letter: 'd', title: 'KB per open document of 100 KB', key: 'opened', scale: 'log', suffix: ' documents' },
  { letter: 'e', title: 'Moving cursors: server cores', key: 'cores', scale: 'linear', suffix: ' people' },
]

const colors: Record<Measured, string> = {
  syncline: '#0b6e99',
  'syncline-hocuspocus': '#4a93b3',
  'syncline-mixed': '#86b9cf',
  pusher: '#8a8a8a',
  'ws-relay': '#b8b8b8',
  hocuspocus: '#e09f3e',
  'y-websocket': '#9e6bbf',
}
const names = Object.keys(colors) as Measured[]

const panelWidth = 430
const barHeight = 15
const labelWidth = 126
const valueWidth = 62
const columns = 2
const gap = 26

export function plot(known: readonly { work: Work; found: WorkResults }[]): string {
  const drawn = panels.flatMap(panel => {
    const found = known.find(({ work }) => work.letter === panel.letter)?.found
    const bars = found === undefined ? [] : barsOf(panel, found)
    return bars.length === 0 ? [] : [drawPanel(panel, bars)]
  })
  const columnHeights = Array.from({ length: columns }, () => 56)
  const placed = drawn.map(({ svg, height }) => {
    const column = columnHeights.indexOf(Math.min(...columnHeights))
    const top = columnHeights[column]!
    columnHeights[column] = top + height + gap
    return `<g transform="translate(${20 + column * (panelWidth + gap)} ${top})">${svg}</g>`
  })
  const width = 20 + columns * (panelWidth + gap)
  const height = Math.max(...columnHeights)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11" fill="#222"><title>Server time per delivered edit, and time to deliver</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${legend(names.filter(name => known.some(({ found }) => found.rows.some(row => row.target === name))))}
${placed.join('\n')}
</svg>
`
}

interface Bar {
  readonly name: Measured
  readonly variant: string
  readonly value: number
}

function barsOf({ key, variants }: Panel, found: WorkResults): Bar[] {
  const all = [...new Set(found.rows.map(row => row.variant))]
  return all
    .filter(variant => variants?.includes(variant) ?? true)
    .flatMap(variant => {
      const rounds = roundsOf(found, variant)
      return names.flatMap(name => {
        const value = median(rounds.map(round => round.get(name)?.[key]))
        return value === null ? [] : [{ name, variant, value }]
      })
    })
}

function drawPanel(panel: Panel, bars: readonly Bar[]): { svg: string; height: number } {
  const { title, scale, suffix = '' } = panel
  const room = panelWidth - labelWidth - valueWidth
  const most = Math.max(...bars.map(({ value }) => value))
  const least = Math.min(...bars.map(({ value }) => value).filter(value => value > 0))
  // The shortest bar of a logarithmic panel is a tenth of a decade long, so that it is seen.
  const decades = Math.log10(most / least) + 0.3
  const lengthOf = (value: number) =>
    scale === 'linear'
      ? (value / most) * room
      : ((Math.log10(Math.max(value, least) / least) + 0.3) / decades) * room
  const lines = [
    `<text font-weight="600" font-size="12">${escaped(title)}${scale === 'log' ? ' (logarithmic)' : ''}</text>`,
  ]
  let top = 10
  let last = ''
  for (const { name, variant, value } of bars) {
    if (variant !== last) {
      if (last !== '') top += 6
      lines.push(
        `<text x="${labelWidth - 8}" y="${top + 11}" text-anchor="end">${escaped(variant + suffix)}</text>`,
      )
      last = variant
    }
    const length = Math.max(1, lengthOf(value))
    lines.push(
      `<rect x="${labelWidth}" y="${top}" width="${length.toFixed(1)}" height="${barHeight - 2}" fill="${colors[name]}"/>`,
      `<text x="${(labelWidth + length + 5).toFixed(1)}" y="${top + 11}">${short(value)}</text>`,
    )
    top += barHeight
  }
  return { svg: lines.join('\n'), height: top }
}

function legend(present: readonly Measured[]): string {
  let left = 20
  return present
    .map(name => {
      const title = titleOf(name)
      const entry = `<rect x="${left}" y="16" width="12" height="12" fill="${colors[name]}"/><text x="${left + 17}" y="26">${escaped(title)}</text>`
      left += 34 + title.length * 6.2
      return entry
    })
    .join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
