/**
 * The text itself: TipTap with the stock collaboration extensions, made for one session.
 *
 * Leaves to others: the formatting bar (`toolbar.tsx`), the title (`title.tsx`), the drawing of carets (`caret.ts`).
 */
import { type Editor, Extension } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { TaskItem, TaskList } from '@tiptap/extension-list'
import { Placeholder } from '@tiptap/extensions'
import { EditorContent, useEditor } from '@tiptap/react'
import { StarterKit } from '@tiptap/starter-kit'
import { useEffect } from 'react'
import { followCarets, renderCaret, renderSelection } from './caret.ts'
import { SafeLink } from './links.ts'
import { bodyField, type Session } from './session.ts'

export const headingLevels = [1, 2, 3] as const

/** The keyboard needs a way out: Tab would otherwise belong to lists for ever. */
const escapeLeaves = Extension.create({
  name: 'escapeLeaves',
  addKeyboardShortcuts() {
    return { Escape: () => this.editor.commands.blur() }
  },
})

/** The editor of a session; null until it has been made. */
export function useTextEditor(session: Session): Editor | null {
  return useEditor(
    {
      extensions: [
        StarterKit.configure({
          // Collaboration brings an undo of its own, which takes back nobody else's edits.
          undoRedo: false,
          heading: { levels: [...headingLevels] },
          link: false,
          // It would add a paragraph to documents that somebody only looks at.
          trailingNode: false,
        }),
        SafeLink,
        TaskList,
        TaskItem.configure({ nested: true }),
        Placeholder.configure({ placeholder: 'Write something. Whoever has the link can write with you.' }),
        Collaboration.configure({ document: session.doc, field: bodyField }),
        CollaborationCaret.configure({
          // The plugin reads nothing of a provider but its `awareness`; it gets the parsed one.
          provider: { awareness: session.presence },
          render: renderCaret,
          selectionRender: renderSelection,
        }),
        escapeLeaves,
      ],
      editorProps: {
        attributes: {
          class: 'text',
          'aria-label': 'Text of the document',
          role: 'textbox',
          'aria-multiline': 'true',
        },
      },
      immediatelyRender: true,
      shouldRerenderOnTransaction: false,
    },
    [session],
  )
}

export function Text({ editor, session }: { readonly editor: Editor | null; readonly session: Session }) {
  useEffect(() => (editor ? followCarets(editor.view.dom, session.presence) : undefined), [editor, session])
  return <EditorContent editor={editor} className="text-frame" />
}
