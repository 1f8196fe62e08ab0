/** Where a token is brought that did not come with the page's address. */
import type { SubmitEvent } from 'react'

export function TokenForm({ onToken }: { readonly onToken: (token: string) => void }) {
  const take = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = new FormData(event.currentTarget).get('token')
    if (typeof token === 'string' && token.trim() !== '') onToken(token.trim())
  }
  return (
    <form className="token" onSubmit={take}>
      <input
        name="token"
        type="password"
        aria-label="Token"
        placeholder="Paste a token"
        autoComplete="off"
        spellCheck={false}
        required
      />
      <button type="submit" className="button">
        Sign in
      </button>
    </form>
  )
}
