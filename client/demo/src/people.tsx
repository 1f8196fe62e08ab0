/**
 * Who is here: oneself first, then the others, as round pictures in the colour of their carets, with as many names as fit
 * and the rest behind "and n more". All names were parsed by `presence.ts`; `bdi` keeps a right-to-left name from turning
 * the text around it.
 */
import { useId, useRef, useState, useSyncExternalStore } from 'react'
import type { AccessWatch } from './access.ts'
import { readableColor } from './color.ts'
import { type Identity, initialsOf, rememberIdentity } from './identity.ts'
import { IdentityDialog } from './identity-dialog.tsx'
import type { Person, Presence } from './presence.ts'

/** As many pictures of others as there is room for beside the rest of the header (the narrow page shows fewer). */
const picturesMax = 4

interface PeopleProps {
  readonly presence: Presence
  readonly access: AccessWatch
  readonly initialIdentity: Identity
}

export function People({ presence, access, initialIdentity }: PeopleProps) {
  const { user } = useSyncExternalStore(access.subscribe, access.access)
  const others = useSyncExternalStore(presence.subscribe, presence.others)
  const [chosen, setIdentity] = useState(initialIdentity)
  const identity = { ...chosen, ...user }
  const dialog = useRef<HTMLDialogElement>(null)
  const own = readableColor(identity.color)

  const change = (changed: Identity) => {
    setIdentity(changed)
    rememberIdentity(changed)
    presence.announce(changed)
  }

  return (
    <>
      <ul
        className="people"
        aria-label={others.length === 0 ? 'Only you are here' : `${others.length + 1} people are here`}
      >
        <li>
          <button
            type="button"
            className="picture picture-own"
            style={{ background: own.background, color: own.text }}
            aria-label={
              user === null ? `You: ${identity.name}. Change name and colour` : `You: ${identity.name}`
            }
            title={
              user === null ? `${identity.name} (you). Change name and colour` : `${identity.name} (you)`
            }
            // Whom the token names is not for the page to choose.
            disabled={user !== null}
            onClick={() => dialog.current!.showModal()}
          >
            <bdi aria-hidden="true">{initialsOf(identity.name)}</bdi>
          </button>
        </li>
        {others.slice(0, picturesMax).map(person => (
          <li key={person.client} className="people-other">
            <Picture person={person} />
          </li>
        ))}
        {others.length > 0 && (
          <li className="people-more" data-many={others.length > picturesMax}>
            <EverybodyElse others={others} />
          </li>
        )}
      </ul>
      <IdentityDialog dialog={dialog} identity={identity} onChange={change} />
    </>
  )
}

function Picture({ person }: { readonly person: Person }) {
  return (
    <span
      className="picture"
      role="img"
      aria-label={person.name}
      title={person.name}
      style={{ background: person.color, color: person.textColor }}
    >
      <bdi aria-hidden="true">{initialsOf(person.name)}</bdi>
    </span>
  )
}

/** "and n more", which opens the complete list. */
function EverybodyElse({ others }: { readonly others: readonly Person[] }) {
  const id = useId()
  const rest = others.length - picturesMax
  return (
    <>
      <button type="button" className="more" popoverTarget={id}>
        <span className="more-wide">and {rest} more</span>
        {/* Narrow, the list stands for all the pictures that there is no room for. */}
        <span className="more-narrow">
          +{others.length} <span className="unseen">others are here</span>
        </span>
      </button>
      <div id={id} popover="auto" className="everybody">
        <h2>Also here</h2>
        <ul>
          {others.map(person => (
            <li key={person.client}>
              <Picture person={person} /> <bdi>{person.name}</bdi>
            </li>
          ))}
        </ul>
      </div>
    </>
  )
}
