/**
 * Links in a document come from whoever wrote there, and a stock Yjs client can write any attribute. A link is a web
 * address or a mail address, in the form in which the URL parser gives it back; its other attributes are ours.
 */
import Link from '@tiptap/extension-link'

const allowedProtocols: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:'])
const linkCharactersMax = 2_048

/** The address if it may be followed; relative ones may not, they would lead into this server. */
export function parseLink(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > linkCharactersMax) return undefined
  const url = URL.parse(value)
  return url && allowedProtocols.has(url.protocol) ? url.href : undefined
}

/** How a link is named before somebody follows it: where it leads, not what it claims. */
export function linkDestination(href: string): string {
  const url = new URL(href)
  return url.protocol === 'mailto:' ? url.pathname : url.host
}

/** What a person types is a link also without its protocol (`example.org`). */
function isLinkTyped(value: string): boolean {
  return (
    parseLink(value) !== undefined || (!value.includes(':') && parseLink(`https://${value}`) !== undefined)
  )
}

/**
 * TipTap's link without the attributes that it would take from the document: a foreign `rel`, `target` or `class`
 * would undo `noopener`, or dress a link up as a part of this page. A click puts the caret there, as in any text;
 * the page offers the way out beside it (`link-strip.tsx`).
 */
export const SafeLink = Link.extend({
  addAttributes() {
    return {
      href: {
        default: null,
        parseHTML: (element: HTMLElement) => parseLink(element.getAttribute('href')) ?? null,
      },
    }
  },
  renderHTML({ HTMLAttributes }) {
    const href = parseLink(HTMLAttributes.href)
    if (!href)
      return ['span', { class: 'link-removed', title: 'This link was not safe and has been removed' }, 0]
    return ['a', { href, rel: 'noopener noreferrer nofollow', target: '_blank' }, 0]
  },
}).configure({
  openOnClick: false,
  defaultProtocol: 'https',
  isAllowedUri: isLinkTyped,
})
