/**
 * The token by which the server knows who sits here, where it asks. It comes in the fragment of the page's address
 * (`/?document=notes#token=…`), which browsers send to nobody, and is kept for this tab.
 *
 * Leaves to others: what the server makes of it (`access.ts`).
 */
const storageKey = 'syncline.token'

/** The token that came with the address, or else the one that this tab has. Takes it out of the address, where others could read it. */
export function takeToken(): string | null {
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get('token')
  if (fromAddress === null || fromAddress === '') return rememberedToken()
  rememberToken(fromAddress)
  history.replaceState(null, '', `${location.pathname}${location.search}`)
  return fromAddress
}

/** Keeps it for this tab, where the browser allows it. */
export function rememberToken(token: string): void {
  try {
    sessionStorage.setItem(storageKey, token)
  } catch {
    // Storage is forbidden: the token then lasts as long as the page.
  }
}

function rememberedToken(): string | null {
  try {
    return sessionStorage.getItem(storageKey)
  } catch {
    return null
  }
}
