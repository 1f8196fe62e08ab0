/**
 * The caret of somebody else in the text: a line of their colour with a label that shows their name for a moment after
 * each of their moves, and again under the pointer. The label stands above the line and takes no room, so no text moves.
 *
 * `y-tiptap` makes an element once per person and keeps it while they move, so names, colours and the moment are kept up
 * to date here.
 */
import type { Presence } from './presence.ts'

/** What TipTap hands to `render`: our own parsed `Person`, which went through its hands as a record. */
type PassedPerson = Record<string, unknown>

/** Makes the element for one person's caret. */
export function renderCaret(person: PassedPerson): HTMLElement {
  const caret = document.createElement('span')
  caret.className = 'caret'
  caret.dataset.client = String(person.client)
  // The names are in the list of people; read out in the middle of a sentence they would only disturb.
  caret.setAttribute('aria-hidden', 'true')
  const label = document.createElement('span')
  label.className = 'caret-label'
  caret.append(label)
  dress(caret, person)
  return caret
}

/** The attributes of the text that somebody has selected. The colour is `#rrggbb`: `Presence` made it. */
export function renderSelection(person: PassedPerson): { class: string; style: string } {
  return { class: 'selected-by', style: `--person: ${person.color}` }
}

/** Keeps the carets inside an element up to date until the returned function is called. */
export function followCarets(editorElement: HTMLElement, presence: Presence): () => void {
  const places = new Map<number, string>()
  const refresh = () => {
    const states = presence.getStates()
    for (const client of places.keys()) if (!states.has(client)) places.delete(client)
    for (const caret of editorElement.querySelectorAll<HTMLElement>('.caret')) {
      const client = Number(caret.dataset.client)
      const state = states.get(client)
      if (!state) continue
      dress(caret, { ...state.user })
      const place = JSON.stringify(state.cursor?.head)
      if (places.get(client) !== place) showLabelForAMoment(caret)
      places.set(client, place)
      turnInward(caret, editorElement)
    }
  }
  let frame = 0
  // After the frame in which the editor has placed them, and once for all changes until then.
  const refreshSoon = () => {
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(refresh)
  }
  const unsubscribe = presence.subscribe(refreshSoon)
  const resizes = new ResizeObserver(refreshSoon)
  resizes.observe(editorElement)
  refreshSoon()
  return () => {
    cancelAnimationFrame(frame)
    unsubscribe()
    resizes.disconnect()
  }
}

function dress(caret: HTMLElement, person: PassedPerson): void {
  const label = caret.firstElementChild!
  const name = String(person.name)
  if (label.textContent !== name) label.textContent = name
  caret.style.setProperty('--person', String(person.color))
  caret.style.setProperty('--person-text', String(person.textColor))
}

function showLabelForAMoment(caret: HTMLElement): void {
  for (const animation of caret.firstElementChild!.getAnimations()) {
    animation.currentTime = 0
    animation.play()
  }
}

/** A label that would stick out of the page on the right hangs to the left instead. */
function turnInward(caret: HTMLElement, editorElement: HTMLElement): void {
  const room = editorElement.getBoundingClientRect().right - caret.getBoundingClientRect().left
  caret.classList.toggle('caret-inward', room < (caret.firstElementChild as HTMLElement).offsetWidth)
}
