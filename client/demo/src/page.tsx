/** The page: header, formatting bar, the sheet with title and text, what is said below it. Each part fails alone. */
import type { Editor } from '@tiptap/core'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { ConnectionSentence, ConnectionWord } from './connection-view.tsx'
import { CrashMessage } from './crash-message.tsx'
import { documentLink } from './document-address.ts'
import { Text, useTextEditor } from './editor.tsx'
import { mark, newIcon } from './icons.tsx'
import { LinkStrip } from './link-strip.tsx'
import { People } from './people.tsx'
import type { Session } from './session.ts'
import { Share } from './share.tsx'
import { Title } from './title.tsx'
import { Toolbar } from './toolbar.tsx'

export function Page({ session }: { readonly session: Session }) {
  return (
    <CrashMessage part="The editor">
      <header className="header">
        <span className="brand">
          {mark}
          <span className="brand-name">Syncline</span>
        </span>
        <ConnectionWord connection={session.connection} />
        <CrashMessage part="The list of people">
          <People presence={session.presence} access={session.access} initialIdentity={session.identity} />
        </CrashMessage>
        <a
          className="button new-document"
          href={location.pathname}
          title="New document"
          aria-label="New document"
        >
          {newIcon}
          <span className="new-document-word">New document</span>
        </a>
        <Share link={documentLink(session.document, location)} />
      </header>
      <Sheet session={session} />
    </CrashMessage>
  )
}

function Sheet({ session }: { readonly session: Session }) {
  const editor = useTextEditor(session)
  const { mayWrite } = useSyncExternalStore(session.access.subscribe, session.access.access)
  useEffect(() => void editor?.setEditable(mayWrite), [editor, mayWrite])
  const opened = useSettled(session.localCopyRead)
  return (
    <>
      {editor && mayWrite && (
        <div className="toolbar-place">
          <CrashMessage part="The formatting bar">
            <Toolbar editor={editor} />
          </CrashMessage>
        </div>
      )}
      {/* Until what this browser kept is shown, no placeholder claims that the document is empty. */}
      <main className="sheet" data-opened={opened}>
        <CrashMessage part="The title">
          <Title text={session.title} mayWrite={mayWrite} onLeave={() => editor && startWriting(editor)} />
        </CrashMessage>
        <CrashMessage part="The text">
          <Text editor={editor} session={session} />
        </CrashMessage>
      </main>
      <footer className="below">
        {editor && <LinkStrip editor={editor} />}
        <ConnectionSentence {...session} />
      </footer>
    </>
  )
}

/** At once: TipTap's own `focus` waits for a frame, and what is typed until then would land in the title. */
function startWriting(editor: Editor): void {
  editor.commands.setTextSelection(0)
  editor.view.focus()
}

function useSettled(promise: Promise<unknown>): boolean {
  const [settled, setSettled] = useState(false)
  useEffect(() => {
    void promise.then(() => setSettled(true))
  }, [promise])
  return settled
}
