/** The title of the document: one field for everybody, and the title of the browser's tab. */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type * as Y from 'yjs'
import { bindTitle, titleUnitsShownMax } from './title-binding.ts'

interface TitleProps {
  readonly text: Y.Text
  readonly mayWrite: boolean
  /** Enter in the title goes on in the text, as on paper. */
  readonly onLeave: () => void
}

export function Title({ text, mayWrite, onLeave }: TitleProps) {
  const field = useRef<HTMLTextAreaElement>(null)
  const [shown, setShown] = useState('')

  useEffect(() => bindTitle(field.current!, text, setShown), [text])
  useEffect(() => {
    const title = shown.trim()
    document.title = title ? `${title} – Syncline` : 'Untitled – Syncline'
  }, [shown])

  const onKeyDown = (event: KeyboardEvent) => {
    // During a composition Enter belongs to the input method: it confirms a word.
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
    event.preventDefault()
    onLeave()
  }

  return (
    // The copy behind the field gives it its height: the field itself does not grow with its text in every browser.
    <div className="title" data-copy={`${shown} `}>
      <textarea
        ref={field}
        aria-label="Title"
        placeholder="Untitled"
        rows={1}
        maxLength={titleUnitsShownMax}
        readOnly={!mayWrite}
        spellCheck
        autoComplete="off"
        onKeyDown={onKeyDown}
      />
    </div>
  )
}
