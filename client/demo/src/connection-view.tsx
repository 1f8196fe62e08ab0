/** Shows how the connection is doing: a word in the header, and a sentence below the page when there is one. */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { useSyncExternalStore } from 'react'
import { type ConnectionWatch, connectionWords } from './connection-state.ts'

interface ConnectionProps {
  readonly connection: ConnectionWatch
}

export function ConnectionWord({ connection }: ConnectionProps) {
  const { label, tone } = connectionWords(useSyncExternalStore(connection.subscribe, connection.state))
  return (
    <span className="connection" data-tone={tone} role="status" aria-label="Connection">
      {label}
    </span>
  )
}

const replacedCode = closeCodes.otherEpoch.code

function WayOut({ connection, replaced }: ConnectionProps & { readonly replaced: boolean }) {
  return replaced ? (
    <button type="button" className="button" onClick={() => void connection.startOver()}>
      Load it anew
    </button>
  ) : (
    <button type="button" className="button" onClick={() => connection.tryAgain()}>
      Try again
    </button>
  )
}

export function ConnectionSentence({ connection }: ConnectionProps) {
  const state = useSyncExternalStore(connection.subscribe, connection.state)
  const { sentence, tone } = connectionWords(state)
  return (
    // Always there, so that a screen reader hears the change.
    <div className="notice" data-tone={tone} data-shown={sentence !== undefined} role="status">
      {sentence}
      {state.at === 'refused' && <WayOut connection={connection} replaced={state.code === replacedCode} />}
    </div>
  )
}
