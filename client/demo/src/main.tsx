/** Starts the page: reads which document the address names, opens it, and draws it. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { documentQuery, freshDocumentName, readDocumentAddress } from './document-address.ts'
import { Page } from './page.tsx'
import { openSession } from './session.ts'
import './page.css'
import './people.css'
import './toolbar.css'
import './text.css'
import './carets.css'
import './notices.css'

const root = createRoot(document.querySelector('#page')!)
const address = readDocumentAddress(location.search)

if (address.kind === 'unusable') {
  root.render(
    <main className="crash" role="alert">
      <p>This link cannot be opened: {address.reason}.</p>
      <a className="button" href={location.pathname}>
        New document
      </a>
    </main>,
  )
} else {
  const document = address.kind === 'named' ? address.document : freshDocumentName()
  // In place of the empty address, so that "back" does not make one document after the other.
  if (address.kind === 'unnamed') history.replaceState(null, '', documentQuery(document))
  root.render(
    <StrictMode>
      <Page session={openSession(document)} />
    </StrictMode>,
  )
}
