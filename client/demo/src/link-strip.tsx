/**
 * The way out of the text: while the caret is in a link, a strip below the page names where it leads and opens it. A
 * click on the link itself only puts the caret there; it works the same with a mouse, a finger and the keyboard.
 */
import type { Editor } from '@tiptap/core'
import { useEditorState } from '@tiptap/react'
import { outIcon } from './icons.tsx'
import { linkDestination, parseLink } from './links.ts'

export function LinkStrip({ editor }: { readonly editor: Editor }) {
  const href = useEditorState({
    editor,
    selector: ({ editor }) =>
      editor.isActive('link') ? parseLink(editor.getAttributes('link').href) : undefined,
  })
  if (!href) return null
  return (
    <div className="link-strip">
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        Open <bdi>{linkDestination(href)}</bdi> {outIcon}
      </a>
      <button
        type="button"
        className="button"
        onClick={() => editor.chain().focus().extendMarkRange('link').unsetLink().run()}
      >
        Remove link
      </button>
    </div>
  )
}
