/**
 * The formatting bar. One stop for the Tab key, arrow keys inside (the ARIA pattern for toolbars); each button says by
 * `aria-pressed` whether its format holds where the caret is.
 */
import type { ChainedCommands, Editor } from '@tiptap/core'
import { useEditorState } from '@tiptap/react'
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react'
import { headingLevels } from './editor.tsx'
import {
  bulletListIcon,
  codeIcon,
  orderedListIcon,
  quoteIcon,
  redoIcon,
  taskListIcon,
  undoIcon,
} from './icons.tsx'

interface Tool {
  readonly label: string
  readonly face: ReactNode
  /** In TipTap's notation; shown with the label, and handled by the editor. */
  readonly keys: string
  readonly run: (chain: ChainedCommands) => ChainedCommands
  readonly isOn?: (editor: Editor) => boolean
  readonly isPossible?: (editor: Editor) => boolean
}

const mark = (label: string, face: ReactNode, keys: string, name: string): Tool => ({
  label,
  face,
  keys,
  run: chain => chain.toggleMark(name),
  isOn: editor => editor.isActive(name),
})

const tools: readonly (readonly Tool[])[] = [
  [
    {
      label: 'Undo',
      face: undoIcon,
      keys: 'Mod+Z',
      run: chain => chain.undo(),
      isPossible: editor => editor.can().undo(),
    },
    {
      label: 'Redo',
      face: redoIcon,
      keys: 'Mod+Shift+Z',
      run: chain => chain.redo(),
      isPossible: editor => editor.can().redo(),
    },
  ],
  headingLevels.map(level => ({
    label: `Heading ${level}`,
    face: (
      <span className="tool-heading">
        H<sub>{level}</sub>
      </span>
    ),
    keys: `Mod+Alt+${level}`,
    run: chain => chain.toggleHeading({ level }),
    isOn: editor => editor.isActive('heading', { level }),
  })),
  [
    mark('Bold', <b>B</b>, 'Mod+B', 'bold'),
    mark('Italic', <i>I</i>, 'Mod+I', 'italic'),
    mark('Strikethrough', <s>S</s>, 'Mod+Shift+S', 'strike'),
    mark('Code', codeIcon, 'Mod+E', 'code'),
  ],
  [
    {
      label: 'Bullet list',
      face: bulletListIcon,
      keys: 'Mod+Shift+8',
      run: chain => chain.toggleBulletList(),
      isOn: editor => editor.isActive('bulletList'),
    },
    {
      label: 'Numbered list',
      face: orderedListIcon,
      keys: 'Mod+Shift+7',
      run: chain => chain.toggleOrderedList(),
      isOn: editor => editor.isActive('orderedList'),
    },
    {
      label: 'Task list',
      face: taskListIcon,
      keys: 'Mod+Shift+9',
      run: chain => chain.toggleTaskList(),
      isOn: editor => editor.isActive('taskList'),
    },
    {
      label: 'Quote',
      face: quoteIcon,
      keys: 'Mod+Shift+B',
      run: chain => chain.toggleBlockquote(),
      isOn: editor => editor.isActive('blockquote'),
    },
  ],
]
const allTools = tools.flat()

export function Toolbar({ editor }: { readonly editor: Editor }) {
  const bar = useRef<HTMLDivElement>(null)
  const [stop, setStop] = useState(allTools[0]!.label)
  const states = useEditorState({
    editor,
    selector: ({ editor }) =>
      allTools.map(tool => ({ on: tool.isOn?.(editor), possible: tool.isPossible?.(editor) ?? true })),
  })

  const onKeyDown = (event: KeyboardEvent) => {
    const buttons = Array.from(bar.current!.querySelectorAll('button'))
    const at = buttons.indexOf(event.target as HTMLButtonElement)
    const to = destination(event.key, at, buttons.length)
    if (to === undefined) return
    event.preventDefault()
    buttons[to]!.focus()
  }

  return (
    <div
      ref={bar}
      className="toolbar"
      role="toolbar"
      aria-label="Formatting"
      onKeyDown={onKeyDown}
      tabIndex={-1}
    >
      {tools.map(group => (
        <div className="tools" key={group[0]!.label}>
          {group.map(tool => {
            const { on, possible } = states[allTools.indexOf(tool)]!
            return (
              <button
                key={tool.label}
                type="button"
                className="tool"
                aria-label={tool.label}
                aria-pressed={on}
                // Not `disabled`: focus would be lost with the last step that can be undone.
                aria-disabled={!possible}
                title={`${tool.label} (${keysHere(tool.keys)})`}
                tabIndex={tool.label === stop ? 0 : -1}
                onFocus={() => setStop(tool.label)}
                // The text keeps its selection, and a phone its keyboard.
                onMouseDown={event => event.preventDefault()}
                onClick={event => run(editor, tool, event.detail === 0)}
              >
                {tool.face}
              </button>
            )
          })}
        </div>
      ))}
    </div>
  )
}

/** Pressed by the keyboard (a click without a pointer), the focus stays in the bar; otherwise it goes to the text. */
function run(editor: Editor, tool: Tool, byKeyboard: boolean): void {
  if (tool.isPossible && !tool.isPossible(editor)) return
  const chain = editor.chain()
  tool.run(byKeyboard ? chain : chain.focus()).run()
}

function destination(key: string, at: number, count: number): number | undefined {
  if (key === 'ArrowRight' || key === 'ArrowDown') return (at + 1) % count
  if (key === 'ArrowLeft' || key === 'ArrowUp') return (at - 1 + count) % count
  if (key === 'Home') return 0
  if (key === 'End') return count - 1
  return undefined
}

const onApple = /Mac|iPhone|iPad/.test(navigator.platform)

function keysHere(keys: string): string {
  return onApple
    ? keys.replace('Mod', '⌘').replace('Alt', '⌥').replace('Shift', '⇧').replaceAll('+', '')
    : keys.replace('Mod', 'Ctrl')
}
