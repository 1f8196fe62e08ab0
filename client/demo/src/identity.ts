/**
 * A person as this page shows one: a name and a colour. Names come from other people's browsers and from local storage, so
 * they are parsed here, once, before anything shows them. Also keeps this browser's own name and colour.
 */
import { parseColor } from './color.ts'

/** Who is writing: what `y-websocket` clients by convention put under `user` into their awareness. */
export interface Identity {
  readonly name: string
  readonly color: string
}

/** In characters as people count them by code point. */
export const nameCharactersMax = 40
/** Of a longer string only the beginning is looked at, so that a name of a megabyte costs nothing. */
const nameReadUnitsMax = 1_000

/** The colours one can choose from; each is readable on the light and on the dark page. */
export const palette: readonly { readonly label: string; readonly color: string }[] = [
  { label: 'Brick', color: '#b8433a' },
  { label: 'Copper', color: '#a8581f' },
  { label: 'Olive', color: '#71701c' },
  { label: 'Fern', color: '#357a38' },
  { label: 'Teal', color: '#12786f' },
  { label: 'Lake', color: '#1b7496' },
  { label: 'Blue', color: '#2f68c5' },
  { label: 'Violet', color: '#7053c6' },
  { label: 'Plum', color: '#a1429f' },
  { label: 'Rose', color: '#bd3b70' },
]

const animals =
  'Badger Beaver Crane Dolphin Falcon Finch Fox Gecko Hare Heron Ibis Jay Kestrel Lark Lynx Marten Newt Otter Owl Panda Puffin Quail Raven Robin Seal Stork Swan Tern Vole Wren'.split(
    ' ',
  )

/**
 * What would let a name pretend or break out: controls, line and paragraph separators, lone surrogates, bidirectional
 * overrides (a name could turn the text around it), invisible spaces and tags. The joiners that emoji, Persian and
 * Indic names need stay.
 */
const forbiddenInNames =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]|\u034f/gu
/** More than four marks on one letter are a tower that covers the lines around it. */
const towerOfMarks = /(\p{M}{4})\p{M}+/gu
const somethingVisible = /[\p{L}\p{N}\p{P}\p{S}]/u

/** The name as it may be shown, or undefined if nothing of it is left. */
export function parseName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const cleaned = value
    .slice(0, nameReadUnitsMax)
    .replace(/\s+/gu, ' ')
    .replace(forbiddenInNames, '')
    .replace(/ {2,}/g, ' ')
    .replace(towerOfMarks, '$1')
    .trim()
  const name = Array.from(cleaned).slice(0, nameCharactersMax).join('').trim()
  return somethingVisible.test(name) ? name : undefined
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** One or two letters for a round picture: the first of the first word and of the last. */
export function initialsOf(name: string): string {
  const words = name.split(' ').filter(word => somethingVisible.test(word))
  const ends = words.length > 1 ? [words[0]!, words.at(-1)!] : words
  const initials = ends.map(word => segmenter.segment(word)[Symbol.iterator]().next().value?.segment ?? '')
  return initials.join('').toLocaleUpperCase()
}

const storageKey = 'syncline.identity'

/** This browser's own name and colour; made up on the first visit and then kept. */
export function rememberedIdentity(): Identity {
  const remembered = readStored()
  if (remembered) return remembered
  const random = crypto.getRandomValues(new Uint32Array(2))
  const madeUp = {
    name: `Guest ${animals[random[0]! % animals.length]!}`,
    color: palette[random[1]! % palette.length]!.color,
  }
  rememberIdentity(madeUp)
  return madeUp
}

/** Keeps a name and a colour for the next visit, where the browser allows it. */
export function rememberIdentity(identity: Identity): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(identity))
  } catch {
    // Storage is full or forbidden: the name then lasts as long as the page, which is no reason to disturb anybody.
  }
}

function readStored(): Identity | undefined {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageKey) ?? 'null')
    if (typeof stored !== 'object' || stored === null) return undefined
    const name = parseName('name' in stored ? stored.name : undefined)
    const color = parseColor('color' in stored ? stored.color : undefined)
    return name && color ? { name, color } : undefined
  } catch {
    return undefined
  }
}
