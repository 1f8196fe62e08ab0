/** Shows how the connection is doing: a word in the header, and a sentence below the page when there is one. */
import { closeCodes } from '@syncline/shared/wire/close-codes'
import { useSyncExternalStore } from 'react'
import { type ConnectionWatch, connectionWords } from './connection-state.ts'
import type { Session } from './session.ts'
import { TokenForm } from './token-form.tsx'

interface ConnectionProps {
  readonly connection: ConnectionWatch
}

const signInCodes: readonly number[] = [closeCodes.notAuthenticated.code, closeCodes.notAllowed.code]

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

export function ConnectionSentence({
  connection,
  access,
  signIn,
}: Pick<Session, 'connection' | 'access' | 'signIn'>) {
  const state = useSyncExternalStore(connection.subscribe, connection.state)
  const { mayWrite, refusal } = useSyncExternalStore(access.subscribe, access.access)
  const words = connectionWords(state)
  const { tone } = words
  const onlyReads = !mayWrite && state.at === 'connected'
  const sentence = onlyReads ? 'You may read this document, and not change it.' : words.sentence
  const wantsToken = state.at === 'refused' && signInCodes.includes(state.code)
  return (
    // Always there, so that a screen reader hears the change.
    <div className="notice" data-tone={tone} data-shown={sentence !== undefined} role="status">
      {sentence}
      {wantsToken && refusal !== null && <span className="refusal"> {refusal}</span>}
      {wantsToken && <TokenForm onToken={signIn} />}
      {state.at === 'refused' && !wantsToken && (
        <WayOut connection={connection} replaced={state.code === replacedCode} />
      )}
    </div>
  )
}
