/** The few drawings of this page, all on one grid of 20 and in the colour of the text around them. */
import type { ReactNode } from 'react'

function Icon({ children }: { readonly children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 20 20"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  )
}

export const undoIcon = (
  <Icon>
    <path d="M7.5 4 4 7.5 7.5 11M4 7.5h7.5a4.3 4.3 0 0 1 0 8.5H8" />
  </Icon>
)
export const redoIcon = (
  <Icon>
    <path d="M12.5 4 16 7.5 12.5 11M16 7.5H8.5a4.3 4.3 0 0 0 0 8.5H12" />
  </Icon>
)
export const codeIcon = (
  <Icon>
    <path d="m7 6-4 4 4 4M13 6l4 4-4 4" />
  </Icon>
)
export const bulletListIcon = (
  <Icon>
    <path d="M8 5h9M8 10h9M8 15h9" />
    <path d="M3.5 5h.01M3.5 10h.01M3.5 15h.01" strokeWidth="2.6" />
  </Icon>
)
export const orderedListIcon = (
  <Icon>
    <path d="M9 5h8M9 10h8M9 15h8" />
    <path d="M2.8 4.2 4 3.4v3.8M2.6 12.9c.4-1.6 2.7-1.3 2.4.2-.1.7-1.4 1.5-2.4 2.7h2.6" strokeWidth="1.2" />
  </Icon>
)
export const taskListIcon = (
  <Icon>
    <path d="M10.5 5.5H17M10.5 14H17M3 5.6l1.4 1.5L7.3 4" />
    <rect x="3" y="11.8" width="4.4" height="4.4" rx="1" />
  </Icon>
)
export const quoteIcon = (
  <Icon>
    <path d="M8 6c-2.6.9-4 2.6-4 5v3h4.2v-4.2H6M16 6c-2.6.9-4 2.6-4 5v3h4.2v-4.2H14" />
  </Icon>
)
export const linkIcon = (
  <Icon>
    <path d="M8.5 11.5a3 3 0 0 0 4.3 0l2.9-2.9a3 3 0 0 0-4.3-4.3l-.9.9M11.5 8.5a3 3 0 0 0-4.3 0l-2.9 2.9a3 3 0 0 0 4.3 4.3l.9-.9" />
  </Icon>
)
export const checkIcon = (
  <Icon>
    <path d="m4.5 10.5 3.7 3.7 7.3-8.2" />
  </Icon>
)
export const newIcon = (
  <Icon>
    <path d="M10 4.5v11M4.5 10h11" />
  </Icon>
)
export const outIcon = (
  <Icon>
    <path d="M8 5H5v10h10v-3M11 4h5v5M16 4l-7 7" />
  </Icon>
)

/** Three folds that slope toward one line. */
export const mark = (
  <svg
    viewBox="0 0 32 32"
    width="26"
    height="26"
    fill="none"
    stroke="currentColor"
    strokeWidth="2.8"
    strokeLinecap="round"
    aria-hidden="true"
  >
    <path d="M3 8c7 0 6 7 13 7s6-7 13-7" />
    <path d="M3 16c7 0 6 7 13 7s6-7 13-7" opacity=".65" />
    <path d="M3 24c7 0 6 5 13 5s6-5 13-5" opacity=".35" />
  </svg>
)
