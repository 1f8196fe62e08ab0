/** Where one changes one's own name and colour. A browser's own dialog: it keeps the focus, and Escape leaves it. */
import { type RefObject, type SubmitEvent, useId } from 'react'
import { readableColor } from './color.ts'
import { type Identity, nameCharactersMax, palette, parseName } from './identity.ts'

interface IdentityDialogProps {
  readonly dialog: RefObject<HTMLDialogElement | null>
  readonly identity: Identity
  readonly onChange: (identity: Identity) => void
}

export function IdentityDialog({ dialog, identity, onChange }: IdentityDialogProps) {
  const heading = useId()
  const take = (event: SubmitEvent<HTMLFormElement>) => {
    // The form is replaced by the change below, and a form that has gone closes no dialog.
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const color = palette.find(choice => choice.color === form.get('color'))?.color ?? identity.color
    onChange({ name: parseName(form.get('name')) ?? identity.name, color })
    dialog.current!.close()
  }
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={heading}>
      {/* Made anew with every change, so that what was typed and then left does not stay. */}
      <form
        key={`${identity.name} ${identity.color}`}
        onSubmit={take}
        onReset={() => dialog.current!.close()}
      >
        <h2 id={heading}>How others see you</h2>
        <label className="dialog-name">
          Name
          <input
            name="name"
            type="text"
            defaultValue={identity.name}
            maxLength={nameCharactersMax}
            required
            autoComplete="nickname"
          />
        </label>
        <fieldset className="swatches">
          <legend>Colour</legend>
          {palette.map(({ label, color }) => (
            <label key={color} title={label}>
              <input type="radio" name="color" value={color} defaultChecked={color === identity.color} />
              <span style={{ background: readableColor(color).background }} />
              <span className="unseen">{label}</span>
            </label>
          ))}
        </fieldset>
        <div className="dialog-actions">
          <button type="reset" className="button">
            Cancel
          </button>
          <button type="submit" className="button button-main">
            Done
          </button>
        </div>
      </form>
    </dialog>
  )
}
