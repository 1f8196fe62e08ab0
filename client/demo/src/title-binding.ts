/**
 * Ties a text field to a `Y.Text`, so that a title can be written by several people at once: what is typed goes in as
 * the smallest change, what others type moves neither caret nor an input method's composition.
 *
 * While somebody composes (Chinese, Japanese, dead keys …) the field belongs to the input method: changes of others wait
 * until it is done, and what was composed is put where its place has moved to.
 */
import * as Y from 'yjs'

/** A replacement in a string: at `at`, `removed` UTF-16 units go and `inserted` comes. */
export interface Splice {
  readonly at: number
  readonly removed: number
  readonly inserted: string
}

type Delta = Y.YTextEvent['delta']

/** What of a title is shown; more can only come from another program. */
export const titleUnitsShownMax = 300

/** Controls, line breaks, and what would turn the text around it. */
const notInATitle = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu

const titleOrigin = Symbol('title')

/** Ties the two until the returned function is called. `onChange` hears what the field shows. */
export function bindTitle(
  field: HTMLTextAreaElement,
  text: Y.Text,
  onChange: (shown: string) => void,
): () => void {
  const undoManager = new Y.UndoManager(text, { trackedOrigins: new Set([titleOrigin]) })
  /** What field and text last agreed on, and what others have changed in the text since. */
  let agreed = ''
  let waiting: Delta[] = []
  let composing = false

  const show = (selection?: { start: number; end: number }) => {
    agreed = shownTitle(text)
    if (field.value !== agreed) field.value = agreed
    if (selection && field.ownerDocument.activeElement === field) {
      field.setSelectionRange(selection.start, selection.end)
    }
    onChange(agreed)
  }

  const takeTyped = () => {
    const typed = spliceBetween(agreed, field.value.replace(/[\r\n]+/g, ' '), field.selectionStart)
    if (typed) {
      const at = waiting.reduce((index, delta) => moveIndex(index, delta), typed.at)
      const end = waiting.reduce((index, delta) => moveIndex(index, delta), typed.at + typed.removed)
      text.doc?.transact(() => {
        if (end > at) text.delete(at, end - at)
        if (typed.inserted) text.insert(at, typed.inserted)
      }, titleOrigin)
      const caret = at + typed.inserted.length
      waiting = []
      show({ start: caret, end: caret })
    } else if (waiting.length > 0) {
      takeWaiting()
    }
  }

  const takeWaiting = () => {
    const moved = (index: number) => waiting.reduce((at, delta) => moveIndex(at, delta), index)
    const selection = { start: moved(field.selectionStart), end: moved(field.selectionEnd) }
    waiting = []
    show(selection)
  }

  const onText = (event: Y.YTextEvent, transaction: Y.Transaction) => {
    if (transaction.origin === titleOrigin) return
    waiting.push(event.delta)
    if (!composing) takeWaiting()
  }
  const onInput = () => {
    if (!composing) takeTyped()
  }
  const onCompositionStart = () => {
    composing = true
  }
  const onCompositionEnd = () => {
    composing = false
    takeTyped()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return
    const key = event.key.toLowerCase()
    if (key !== 'z' && key !== 'y') return
    event.preventDefault()
    if (key === 'y' || event.shiftKey) undoManager.redo()
    else undoManager.undo()
  }

  text.observe(onText)
  field.addEventListener('input', onInput)
  field.addEventListener('compositionstart', onCompositionStart)
  field.addEventListener('compositionend', onCompositionEnd)
  field.addEventListener('keydown', onKeyDown)
  show()
  return () => {
    text.unobserve(onText)
    field.removeEventListener('input', onInput)
    field.removeEventListener('compositionstart', onCompositionStart)
    field.removeEventListener('compositionend', onCompositionEnd)
    field.removeEventListener('keydown', onKeyDown)
    undoManager.destroy()
  }
}

/** The text as one line. Each replaced unit stays one unit, so that places in the field are places in the text. */
function shownTitle(text: Y.Text): string {
  return text.toString().slice(0, titleUnitsShownMax).replace(notInATitle, ' ')
}

/**
 * The smallest splice from one string to another, or undefined if they are equal. Of several that are equally small
 * (a letter typed beside the same letter) the one that ends at the caret. Never between the halves of a surrogate
 * pair: Yjs would store two broken characters.
 */
export function spliceBetween(before: string, after: string, caret: number): Splice | undefined {
  if (before === after) return undefined
  const afterCaret = Math.min(after.length - caret, before.length)
  let end = 0
  while (end < afterCaret && before.at(-1 - end) === after.at(-1 - end)) end++
  let start = 0
  const startMax = Math.min(before.length, after.length) - end
  while (start < startMax && before[start] === after[start]) start++
  const endMax = Math.min(before.length, after.length) - start
  while (end < endMax && before.at(-1 - end) === after.at(-1 - end)) end++
  if (start > 0 && isHighSurrogate(before.charCodeAt(start - 1))) start--
  if (end > 0 && isLowSurrogate(before.charCodeAt(before.length - end))) end--
  return { at: start, removed: before.length - end - start, inserted: after.slice(start, after.length - end) }
}

/** Where a place in a text is after somebody's change. */
export function moveIndex(index: number, delta: Delta): number {
  let at = 0
  let moved = index
  for (const { retain, insert, delete: removed } of delta) {
    if (retain !== undefined) at += retain
    else if (typeof insert === 'string') {
      if (at <= moved) moved += insert.length
      at += insert.length
    } else if (insert !== undefined) {
      if (at <= moved) moved += 1
      at += 1
    } else if (removed !== undefined && at < moved) {
      moved -= Math.min(removed, moved - at)
    }
    if (at > moved) break
  }
  return moved
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
