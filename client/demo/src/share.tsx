/** The link to this document, into the clipboard or, where a page may not write there (plain http), to be copied by hand. */
import { useEffect, useId, useRef, useState } from 'react'
import { checkIcon, linkIcon } from './icons.tsx'

/** How long the button says that the link was copied. */
const feedbackTimeMs = 2_500

export function Share({ link }: { readonly link: string }) {
  const [copied, setCopied] = useState(false)
  const byHand = useRef<HTMLDivElement>(null)
  const label = useId()

  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), feedbackTimeMs)
    return () => clearTimeout(timer)
  }, [copied])

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link)
      setCopied(true)
    } catch {
      byHand.current!.showPopover()
      byHand.current!.querySelector('input')!.select()
    }
  }

  return (
    <>
      <button
        type="button"
        className="button button-main share"
        aria-label="Copy link"
        title="Copy link"
        onClick={copy}
      >
        {copied ? checkIcon : linkIcon}
        {/* Both texts hold the place, so that the button keeps its width. */}
        <span className="share-words">
          <span data-shown={!copied}>Copy link</span>
          <span data-shown={copied} aria-hidden="true">
            Copied
          </span>
        </span>
      </button>
      <span className="unseen" role="status">
        {copied ? 'The link to this document was copied' : ''}
      </span>
      <div ref={byHand} popover="auto" className="by-hand">
        <label htmlFor={label}>Copy this link</label>
        <input id={label} type="text" readOnly value={link} />
      </div>
    </>
  )
}
