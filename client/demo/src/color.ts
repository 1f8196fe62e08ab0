/**
 * Colours of people, made readable. A colour comes from somebody else and may be anything, so only `#rrggbb` is taken;
 * then its brightness is brought into the band in which it stands out from the light and from the dark page alike
 * (3:1, WCAG 1.4.11), and a label on it gets the text colour that can be read (4.5:1, WCAG 1.4.3).
 */

/** A colour that may be shown, and the colour of text upon it. */
export interface ReadableColor {
  readonly background: string
  readonly text: '#000000' | '#ffffff'
}

/** Relative luminance at which 3:1 holds against the dark page (0.009) and against the light one (0.94). */
const luminanceMin = 0.135
const luminanceMax = 0.275
/** Below this white text reaches 4.5:1, above it black text does. */
const whiteTextLuminanceMax = 0.18

const colorPattern = /^#[0-9a-fA-F]{6}$/

/** The colour if it is one: a string that goes into a style must not be able to say anything else. */
export function parseColor(value: unknown): string | undefined {
  return typeof value === 'string' && colorPattern.test(value) ? value.toLowerCase() : undefined
}

/** Brings a `#rrggbb` into the readable band by mixing in as little white or black as that takes. */
export function readableColor(color: string): ReadableColor {
  const channels = [1, 3, 5].map(at => Number.parseInt(color.slice(at, at + 2), 16) / 255)
  const brightness = luminance(channels)
  let shown = channels
  if (brightness < luminanceMin) shown = mixUntil(channels, 1, mixed => luminance(mixed) >= luminanceMin)
  if (brightness > luminanceMax) shown = mixUntil(channels, 0, mixed => luminance(mixed) <= luminanceMax)
  const background = `#${shown.map(toHex).join('')}`
  return { background, text: luminance(shown) <= whiteTextLuminanceMax ? '#ffffff' : '#000000' }
}

const mixSteps = 64

function mixUntil(channels: number[], toward: 0 | 1, isReadable: (mixed: number[]) => boolean): number[] {
  for (let step = 1; step < mixSteps; step++) {
    const mixed = channels.map(channel => channel + (toward - channel) * (step / mixSteps))
    if (isReadable(mixed)) return mixed
  }
  return channels.map(() => toward)
}

/** WCAG 2's relative luminance of sRGB channels between 0 and 1. */
function luminance(channels: number[]): number {
  const [red, green, blue] = channels.map(channel =>
    channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4,
  )
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}

function toHex(channel: number): string {
  return Math.round(channel * 255)
    .toString(16)
    .padStart(2, '0')
}
