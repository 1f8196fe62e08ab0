/**
 * A document's name as it can be shown on a terminal. A name is any text: one with line breaks, control characters or text that
 * changes direction would show something else than it is, or tell the terminal what to do.
 */
const plain = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+( [\p{L}\p{M}\p{N}\p{P}\p{S}]+)*$/u
const notPrintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu

/** As it is, or, where it is no plain text, as JSON of which every odd character is escaped. */
export function shownName(name: string): string {
  // A quoted one must not be taken for another whose name has quotes in it.
  if (plain.test(name) && !name.startsWith('"')) return name
  return JSON.stringify(name).replace(notPrintable, character =>
    Array.from({ length: character.length }, (_, i) => escaped(character.charCodeAt(i))).join(''),
  )
}

const escaped = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`
