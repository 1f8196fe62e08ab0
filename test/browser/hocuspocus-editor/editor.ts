/**
 * A page as somebody writes it for Hocuspocus: TipTap with its stock extensions over the stock provider, and nothing of ours. The
 * address says where the server is (`server`), which document to open, who sits here (`name`, `color`), and in its fragment the token.
 */
import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { TaskItem, TaskList } from '@tiptap/extension-list'
import { StarterKit } from '@tiptap/starter-kit'
import { HocuspocusProvider } from 'hocuspocus-provider-4'

const query = new URLSearchParams(location.search)
const asked = (name: string) => query.get(name) ?? ''
const token = new URLSearchParams(location.hash.slice(1)).get('token')

const provider = new HocuspocusProvider({ url: asked('server'), name: asked('document'), token })

const editor = new Editor({
  element: document.querySelector('#editor'),
  // Who may write is known when the server has said so.
  editable: false,
  extensions: [
    // As in the demo: the same blocks, and no paragraph that is added by looking at a document.
    StarterKit.configure({ undoRedo: false, heading: { levels: [1, 2, 3] }, trailingNode: false }),
    TaskList,
    TaskItem.configure({ nested: true }),
    Collaboration.configure({ document: provider.document, field: 'body' }),
    CollaborationCaret.configure({ provider, user: { name: asked('name'), color: asked('color') } }),
  ],
  editorProps: { attributes: { role: 'textbox', 'aria-label': 'Text of the document' } },
})

function show(label: string, value: string | number): void {
  document.querySelector(`output[aria-label="${label}"]`)!.textContent = String(value)
}

provider.on('status', ({ status }) => show('Connection', status))
provider.on('unsyncedChanges', () => show('Unsynced changes', provider.unsyncedChanges))
provider.on('authenticated', () => {
  show('Scope', provider.authorizedScope ?? '')
  editor.setEditable(provider.authorizedScope === 'read-write')
})
provider.on('authenticationFailed', ({ reason }) => show('Scope', `none: ${reason}`))
