/**
 * What every answer tells the browser not to do.
 */

/** A host that can stand in a policy: a `;` in it would begin a directive of somebody else's choice. */
const plainHost = /^[\w.\-:[\]]+$/

/**
 * The page may load from and talk to this server only. `ws:` is named with the host, since not every browser counts it as
 * `'self'`; inline styles are what TipTap colours the carets with.
 */
export function securityHeaders(host: string | undefined): Record<string, string> {
  const webSockets = host !== undefined && plainHost.test(host) ? ` ws://${host} wss://${host}` : ''
  return {
    'Content-Security-Policy': [
      "default-src 'self'",
      `connect-src 'self'${webSockets}`,
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    // The address of the page may hold the name of a document, which is nobody else's business.
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
  }
}
